"""Uploads: permission to send a file, its arrival, and its validation."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis import formatting, leases, permissions
from analysis.ingest.capture_time import capture_time
from analysis.ingest.decoding_service import examine
from analysis.ingest.examine import Examined
from analysis.ingest.file_date import with_file_date
from analysis.ingest.sidecar import from_json, to_json, with_sidecar
from analysis.ingest.validation import InvalidImage, check_size, clean_name, megabytes
from analysis.ingest.xmp import XmpMetadata
from analysis.library.folders import clean_path
from analysis.library.images import Added
from analysis.models import Image, PendingBlob, Upload
from analysis.storage import blobs, renditions

State = Upload.State
LEASE = timedelta(minutes=2)
SHA256_LENGTH = 64
MAX_MODIFIED = Upload._meta.get_field("modified").max_length or 0
RETENTION = timedelta(days=1)
"""Time for which a completed or expired upload is kept."""


@dataclass(frozen=True)
class Target:
    """Visibility and collection chosen before an upload."""

    visibility: int = Image.Visibility.PRIVATE
    collection_id: int | None = None


DEFAULT_TARGET = Target()


class UploadRefused(Exception):
    """A refused request about an upload, with its reason and the HTTP `status`."""

    def __init__(self, reason: str, *, status: int) -> None:
        super().__init__(reason)
        self.status = status


class UploadError(Exception):
    """The uploaded bytes cannot become an image.

    `may_retry` if another upload may succeed.
    """

    def __init__(self, reason: str, *, may_retry: bool = True) -> None:
        super().__init__(reason)
        self.may_retry = may_retry


def issue(
    *,
    owner_id: int,
    filename: str,
    size: int,
    sha256: str = "",
    sidecar: XmpMetadata | None = None,
    folder: str = "",
    target: Target = DEFAULT_TARGET,
    modified: str = "",
) -> Upload:
    """Permit a person to upload one file of `size` bytes from a folder of theirs.

    `modified`: when the file was last changed, in ISO 8601; ignored if invalid.

    Raises InvalidImage for a size that is not accepted, UploadRefused while too many of their uploads are in progress.
    """
    check_size(size, name=filename, limits=renditions.limits())
    _check_open_uploads(owner_id, size)
    upload = Upload(owner_id=owner_id, filename=clean_name(filename), size=size, key=blobs.upload_key(uuid.uuid4()))
    upload.folder = clean_path(folder)
    upload.visibility, upload.collection_id = target.visibility, target.collection_id
    upload.modified = modified if len(modified) <= MAX_MODIFIED and capture_time(modified) else ""
    upload.sha256 = sha256 if len(sha256) == SHA256_LENGTH else ""
    upload.sidecar = to_json(sidecar) if sidecar else None
    lifetime = timedelta(seconds=settings.UPLOAD_TICKET_SECONDS)
    with transaction.atomic():
        # The database's clock, since expiry is checked by it later.
        upload.expires_at = Now() + lifetime
        upload.save(force_insert=True)
        # The sweeper keeps the key until the form can no longer be used.
        blobs.register_pending([upload.key], ahead=lifetime)
    return upload


def resume(upload_id: uuid.UUID, *, owner_id: int, size: int, sha256: str, target: Target) -> Upload | None:
    """Resume an interrupted upload of the same file, with a new target and expiry.

    None if there is none, or if it is not certain that the bytes are the same.
    """
    same = Upload.objects.filter(pk=upload_id, owner_id=owner_id, size=size, sha256=sha256).exclude(sha256="")
    open_upload = same.filter(Q(state=State.ARRIVED) | Q(state=State.ISSUED, expires_at__gt=Now())).first()
    if open_upload is None:
        return None
    same.update(visibility=target.visibility, collection=target.collection_id)
    # An upload in parts keeps the expiry that it got when it was started, by which S3 deletes its parts.
    if open_upload.state == State.ISSUED and not open_upload.multipart_id:
        lifetime = timedelta(seconds=settings.UPLOAD_TICKET_SECONDS)
        same.update(expires_at=Now() + lifetime)
        PendingBlob.objects.filter(key=open_upload.key).update(since=Now() + lifetime)
    open_upload.refresh_from_db()
    return open_upload


def has_all_bytes(upload: Upload) -> bool:
    """True if an upload in one request has arrived; an incomplete file is deleted.

    Raises StorageError.
    """
    try:
        size = blobs.size(upload.key)
    except blobs.BlobMissing:
        return False
    if size != upload.size:
        blobs.erase(upload.key)
    return size == upload.size


def receive(upload_id: uuid.UUID, content: IO[bytes], *, owner_id: int) -> None:
    """Store bytes that were sent to us, for storage that browsers cannot send to.

    Raises UploadRefused or StorageError.
    """
    upload = find_open(upload_id, owner_id=owner_id)
    if upload.state != State.ISSUED:
        raise UploadRefused(_("This file was already uploaded. Start a new upload to send it again."), status=409)
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    if size != upload.size:
        error = _wrong_size(size, upload)
        _reject(upload, str(error), may_retry=error.may_retry)
        raise UploadRefused(str(error), status=400)
    blobs.put(upload.key, content)


def mark_uploaded(upload_id: uuid.UUID, *, owner_id: int) -> Upload:
    """Record that the browser has sent all bytes.

    Repeating it has no effect. Raises UploadRefused.
    """
    upload = find_open(upload_id, owner_id=owner_id)
    if upload.state == State.ISSUED:
        # S3's event may have recorded it in the meantime, and a worker may have added the picture.
        Upload.objects.filter(pk=upload.pk, state=State.ISSUED).update(state=State.ARRIVED, next_attempt_at=Now())
        upload.refresh_from_db()
    return upload


def mark_uploaded_by_key(keys: list[str]) -> int:
    """Record uploads reported by S3, in case the browser was closed too early.

    Returns their number.
    """
    waiting = Upload.objects.filter(key__in=keys, state=State.ISSUED, expires_at__gt=Now())
    return waiting.update(state=State.ARRIVED, next_attempt_at=Now())


def is_due() -> bool:
    return leases.due(Upload.objects.filter(state=State.ARRIVED)).exists()


def claim(upload_id: uuid.UUID | None = None) -> Upload | None:
    """Claim an upload to validate: this one, or the one that has waited longest."""
    waiting = Upload.objects.filter(state=State.ARRIVED)
    return leases.claim(waiting.filter(pk=upload_id) if upload_id else waiting, lease=LEASE)


@contextmanager
def open_examined(upload: Upload) -> Iterator[tuple[Examined, IO[bytes]]]:
    """Open and examine the bytes of a claimed upload.

    Raises UploadError, InvalidImage or StorageError.
    """
    if upload.attempts > leases.MAX_ATTEMPTS:  # its workers died, so the file may kill them
        raise UploadError(_("every worker that tried to check it stopped unexpectedly"), may_retry=False)
    owner = permissions.reload_user(upload.owner_id)
    if owner is None or not permissions.can_upload_images(owner):  # the permission was lost in the meantime
        raise UploadError(_("this account can no longer upload"), may_retry=False)
    # Before the file is read, since it can be of any size in a storage that does not enforce the form's limit.
    size = blobs.size(upload.key)
    if size != upload.size:
        raise _wrong_size(size, upload)
    with blobs.get(upload.key) as file:
        examined = examine(file, name=upload.filename, limits=renditions.limits())
        if upload.sha256 and examined.sha256 != upload.sha256:
            raise UploadError(_("the file was corrupted in transit; please send it again"))
        if upload.sidecar:
            examined = with_sidecar(examined, from_json(upload.sidecar))
        yield with_file_date(examined, capture_time(upload.modified), now=timezone.now()), file


def mark_stored(upload: Upload, added: Added, *, note: str = "") -> None:
    """Record the image of an upload, in the transaction that adds it.

    `note`: why it was not added to the collection.
    """
    Upload.objects.filter(pk=upload.pk).update(state=State.TAKEN, image=added.image, is_new=added.is_new, reason=note)


@contextmanager
def failures_recorded(upload: Upload) -> Iterator[None]:
    """Record why an upload became no image, or schedule another attempt."""
    try:
        yield
    except UploadError as error:
        _reject(upload, str(error), may_retry=error.may_retry)
    except InvalidImage as error:
        _reject(upload, formatting.translated(error), may_retry=False)
    except blobs.BlobMissing:
        _reject(upload, _("no bytes arrived; please send it again"), may_retry=True)
    except (blobs.StorageError, OSError) as error:
        if upload.attempts >= leases.MAX_ATTEMPTS:
            _reject(upload, getattr(error, "strerror", "") or str(error), may_retry=True)
        else:
            delay = leases.backoff(upload.attempts)
            Upload.objects.filter(pk=upload.pk).update(next_attempt_at=Now() + delay)


def delete_expired() -> None:
    """Delete uploads that expired more than RETENTION ago.

    `orphaned_files` deletes their bytes.
    """
    # Files that arrived are kept until a worker has checked them, however late.
    finished = ~Q(state=State.ARRIVED)
    Upload.objects.filter(finished, expires_at__lt=Now() - RETENTION).delete()


def find_open(upload_id: uuid.UUID, *, owner_id: int) -> Upload:
    """An upload of this person that did not expire. Raises UploadRefused."""
    # The error is the same for other people's uploads and unknown ones, so that ids cannot be probed.
    upload = Upload.objects.filter(pk=upload_id, owner_id=owner_id).annotate(is_late=Q(expires_at__lte=Now())).first()
    if upload is None:
        raise UploadRefused(_("Unknown upload. Please send the file again."), status=404)
    if upload.state == State.ISSUED and upload.is_late:
        raise UploadRefused(_("This upload expired. Please send the file again."), status=410)
    return upload


def _check_open_uploads(owner_id: int, size: int) -> None:
    is_open = Q(state=State.ARRIVED) | Q(state=State.ISSUED, expires_at__gt=Now())
    # Two concurrent requests may both pass: the limit keeps a user from filling the storage, and need not be exact.
    totals = Upload.objects.filter(is_open, owner_id=owner_id).aggregate(number=Count("pk"), size=Sum("size"))
    if totals["number"] >= settings.MAX_OPEN_UPLOADS:
        sentence = _("%(number)s of your uploads are still in progress. Wait for some to finish, then send this again.")
        raise UploadRefused(sentence % {"number": formatting.count(totals["number"])}, status=429)
    open_size = totals["size"] or 0
    if open_size + size > settings.MAX_OPEN_UPLOAD_BYTES:
        sentence = _("Uploads of %(size)s are still in progress. Wait for some to finish, then send this file again.")
        raise UploadRefused(sentence % {"size": megabytes(open_size)}, status=429)


def _wrong_size(size: int, upload: Upload) -> UploadError:
    sentence = _("%(received)s of %(expected)s arrived; please send it again")
    values = {"received": formatting.exact_filesize(size), "expected": formatting.exact_filesize(upload.size)}
    return UploadError(sentence % values)


def _reject(upload: Upload, reason: str, *, may_retry: bool) -> None:
    # Unless another worker has added the picture, which claimed the upload when this one's lease had expired.
    unfinished = Upload.objects.filter(pk=upload.pk).exclude(state=State.TAKEN)
    unfinished.update(state=State.REFUSED, reason=reason, may_retry=may_retry)
    blobs.erase(upload.key)
