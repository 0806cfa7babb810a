"""Deletes originals from buckets whose setting allows it, with their versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from analysis import leases
from analysis.aws import s3_objects
from analysis.aws.errors import AWSError
from analysis.aws.object_refs import S3Object
from analysis.aws.s3_objects import ObjectVersion
from analysis.formatting import translated
from analysis.models import BucketObject, Image, OriginalDeletion
from analysis.storage.originals import client_of

LEASE = timedelta(minutes=5)
# The permission is missing, or an S3-compatible server does not have this request.
LIST_REFUSED = frozenset({"AccessDenied", "403", "NotImplemented", "MethodNotAllowed", "501", "405"})


@dataclass(frozen=True)
class DeletedOriginal:
    """Result for one row.

    `versions` is 0 if the bucket no longer had the file; `error` is set if it is tried again.
    """

    row: OriginalDeletion
    versions: int = 0
    error: str = ""
    is_last_attempt: bool = False


def is_due() -> bool:
    return leases.due(OriginalDeletion.objects.all()).exists()


def delete_next() -> DeletedOriginal | None:
    """Delete the original that has waited longest; None if none is due."""
    row = leases.claim(OriginalDeletion.objects.select_related("bucket"), lease=LEASE)
    if row is None:
        return None
    try:
        versions = _delete(row)
    except AWSError as error:
        return _failed(row, translated(error))
    _finish(row, is_deleted=versions > 0)
    row.pk = None
    return DeletedOriginal(row, versions=versions)


def _finish(row: OriginalDeletion, *, is_deleted: bool) -> None:
    with transaction.atomic():
        OriginalDeletion.objects.filter(pk=row.pk).delete()
        if is_deleted:
            # So that the same file is imported again if it is uploaded again.
            dropped = BucketObject.objects.filter(bucket=row.bucket, key=row.key, state=BucketObject.State.DROPPED)
            dropped.update(state=BucketObject.State.GONE)


def _failed(row: OriginalDeletion, error: str) -> DeletedOriginal:
    # Retried forever, at most ten minutes apart, since a missing permission may be granted any day.
    OriginalDeletion.objects.filter(pk=row.pk).update(error=error, next_attempt_at=Now() + leases.backoff(row.attempts))
    return DeletedOriginal(row, error=error, is_last_attempt=row.attempts == leases.MAX_ATTEMPTS)


def _delete(row: OriginalDeletion) -> int:
    """The number of deleted versions. Raises AWSError."""
    # Another picture may have the same key. With versions each picture has its own; without, the object is the other's.
    others = Image.objects.filter(bucket__name=row.bucket.name, key=row.key)
    used = set(others.values_list("version_id", flat=True))
    client, target = client_of(row.bucket), S3Object(row.bucket.name, row.key)
    try:
        versions = s3_objects.versions(client, target)
    except AWSError as error:
        if error.code not in LIST_REFUSED:
            raise
        versions = []
    chosen = _own_versions(versions, row, used)
    if any(version.id != s3_objects.NO_VERSION for version in chosen):
        s3_objects.delete_versions(client, target, [version.id for version in chosen])
        return len(chosen)
    # Without versioning, or the permission to list versions, the current object is deleted if it is still the examined
    # one.
    return 0 if used or (versions and not chosen) else _delete_current(client, target, etag=row.etag)


def _own_versions(versions: list[ObjectVersion], row: OriginalDeletion, used: set[str]) -> list[ObjectVersion]:
    """The picture's version and older ones, which are its earlier originals."""
    start = next((index for index, version in enumerate(versions) if _is_of(version, row)), None)
    if start is None:
        return []
    # Newer versions are of another file that was put there since, unless they are only delete markers.
    if all(version.is_delete_marker for version in versions[:start]):
        start = 0
    return [version for version in versions[start:] if version.id not in used]


def _is_of(version: ObjectVersion, row: OriginalDeletion) -> bool:
    if version.is_delete_marker:
        return False
    return version.id == row.version_id if row.version_id else bool(row.etag) and version.etag == row.etag


def _delete_current(client: s3_objects.Client, target: S3Object, *, etag: str) -> int:
    if not etag:
        return 0  # there is no proof that it is still the same file
    try:
        s3_objects.delete(client, target, etag=etag)
    except AWSError as error:
        if error.is_absent or error.code in s3_objects.CHANGED_CODES:
            return 0  # already gone, or replaced by a file that is not the picture's
        raise
    return 1
