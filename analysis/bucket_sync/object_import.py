"""Saves bucket objects that were read: a new image, a new original, or none."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis.aws.s3_objects import ObjectInfo
from analysis.bucket_sync.sidecars import Sidecar
from analysis.ingest.examine import Examined
from analysis.library import duplicate_flags, folders, images
from analysis.library.embedded_metadata import save_embedded_metadata
from analysis.library.file_values import keep_edits
from analysis.models import BucketObject, Image
from analysis.storage import blobs

State = BucketObject.State
NO_OBJECT = ObjectInfo(key="", etag="", size=0)
NO_SIDECAR = Sidecar()


@dataclass(frozen=True)
class NewOriginal:
    """An object that was examined, with its renditions stored under `keys`."""

    info: ObjectInfo
    examined: Examined
    renditions_id: uuid.UUID
    keys: tuple[str, ...]
    sidecar: Sidecar = NO_SIDECAR


@dataclass(frozen=True)
class Unchanged:
    """The object is still the one that the image was made from."""

    info: ObjectInfo


@dataclass(frozen=True)
class NoImage:
    """An object that is gone, or not accepted as an image."""

    state: str
    code: str
    reason: str
    info: ObjectInfo = NO_OBJECT


Outcome = NewOriginal | Unchanged | NoImage


@dataclass(frozen=True)
class ImportResult:
    """Changes to the library.

    The image got a new original, or lost its object at `removed_at`.
    """

    image: Image | None = None
    is_new: bool = False
    is_same_file: bool = False
    """The original is unchanged; only its sidecar changed."""
    removed_image_id: int | None = None
    removed_at: datetime | None = None


def store_renditions(examined: Examined, info: ObjectInfo, sidecar: Sidecar = NO_SIDECAR) -> NewOriginal:
    """Store the renditions of an examined object.

    Raises StorageError; then none is stored.
    """
    renditions_id = uuid.uuid4()
    contents = {
        blobs.rendition_key(renditions_id, rendition.name): rendition.content for rendition in examined.renditions
    }
    blobs.register_pending(contents)
    try:
        for key, content in contents.items():
            blobs.put(key, content)
    except blobs.StorageError:
        blobs.delete_pending(contents)
        raise
    return NewOriginal(info, examined, renditions_id, tuple(contents), sidecar)


@transaction.atomic
def save(row: BucketObject, outcome: Outcome) -> ImportResult:
    """Save the outcome of a claimed object, unless an event arrived in the meantime.

    In that case it is read again.
    """
    if not _is_current(row):
        if isinstance(outcome, NewOriginal):
            # On commit, since a deleted file does not come back if the transaction is rolled back.
            transaction.on_commit(partial(blobs.delete_pending, outcome.keys))
        return ImportResult()
    match outcome:
        case NewOriginal():
            is_new, is_same_file = row.image is None, _is_same_file(row, outcome.info)
            image = _save_image(row, outcome)
            _finish(row, state=State.PRESENT, info=outcome.info, image=image)
            sidecar = outcome.sidecar
            BucketObject.objects.filter(pk=row.pk).update(sidecar_key=sidecar.key, sidecar_etag=sidecar.etag)
            return ImportResult(image, is_new, is_same_file)
        case Unchanged():
            _finish(row, state=State.PRESENT, info=outcome.info, image=row.image)
            return ImportResult()
    return _save_missing(row, outcome)


def _is_same_file(row: BucketObject, info: ObjectInfo) -> bool:
    image = row.image
    return image is not None and not image.trashed_at and (image.etag, image.version_id) == (info.etag, info.version_id)


def gone() -> NoImage:
    return NoImage(State.GONE, "gone", _("It is no longer in the bucket."))


def was_trashed_as_missing(row: BucketObject) -> bool:
    """True if the image is in the trash only because its object was gone."""
    return row.image is not None and row.trashed_at is not None and row.image.trashed_at == row.trashed_at


def _save_missing(row: BucketObject, outcome: NoImage) -> ImportResult:
    lost = row.image if row.image and row.image.trashed_at is None else None
    # The same time in both rows marks the image as trashed for this reason, so it is restored when the object comes
    # back.
    trashed_at = now() if lost else row.trashed_at
    _finish(
        row,
        state=outcome.state,
        info=outcome.info,
        image=row.image,
        code=outcome.code,
        reason=outcome.reason,
        trashed_at=trashed_at,
    )
    return ImportResult(removed_image_id=lost.pk, removed_at=trashed_at) if lost else ImportResult()


def _save_image(row: BucketObject, outcome: NewOriginal) -> Image:
    """Save the image with its new original.

    Verdicts and tags are kept, and an image that a user trashed stays in the trash.
    """
    examined, info = outcome.examined, outcome.info
    descriptive = examined.metadata.descriptive
    image = row.image or Image(
        bucket=row.bucket, owner=row.bucket.owner, visibility=row.bucket.visibility, title=descriptive.title
    )
    columns = images.fields_from(examined) | {
        "key": row.key,
        "folder_id": folders.get_or_create_folder(folders.path_of_key(row.key), bucket_id=row.bucket_id),
        "filename": examined.filename,
        "version_id": info.version_id,
        "etag": info.etag,
        "sequencer": row.sequencer,
        "renditions_id": outcome.renditions_id,
        "quarter_turns": examined.turns,
    }
    if not image.title or "title" in (image.file_values or {}):
        columns["title"] = descriptive.title
    if row.image:
        _delete_on_commit(blobs.rendition_keys(image.renditions_id))
        columns["original_replaced_at"] = now() if image.sha256 != examined.sha256 else image.original_replaced_at
        columns = keep_edits(image, columns) | {"trashed_at": _trashed_at(row, image, examined)}
    for name, value in columns.items():
        setattr(image, name, value)
    image.save(update_fields=columns if row.image else None)
    duplicate_flags.mark_duplicates(image)
    save_embedded_metadata(image, descriptive)
    blobs.confirm(outcome.keys)
    return image


def _trashed_at(row: BucketObject, image: Image, examined: Examined) -> datetime | None:
    """The time since when the image with its new original is in the trash, if it is."""
    if was_trashed_as_missing(row):
        return None
    # Nobody has seen a new file, so it stays in the trash for its full time, and deletions requested before skip it.
    return now() if image.trashed_at and image.sha256 != examined.sha256 else image.trashed_at


def _delete_on_commit(keys: Iterable[str]) -> None:
    replaced = list(keys)
    # Registered in the transaction, so that the sweeper deletes them if this process ends after the commit.
    blobs.register_pending(replaced)
    transaction.on_commit(partial(blobs.delete_pending, replaced))


def _finish(
    row: BucketObject,
    *,
    state: str,
    info: ObjectInfo,
    image: Image | None,
    code: str = "",
    reason: str = "",
    trashed_at: datetime | None = None,
) -> None:
    BucketObject.objects.filter(pk=row.pk).update(
        state=state,
        attempts=0,
        etag=info.etag,
        version_id=info.version_id,
        size=info.size,
        image=image,
        error_code=code,
        reason=reason,
        trashed_at=trashed_at,
    )


def _is_current(row: BucketObject) -> bool:
    """False if an event arrived while the object was read.

    Locks the row, and reloads its image.
    """
    if row.image_id:
        # Locked first, in the order of `removal.remove`, and reloaded, since users may have changed it.
        row.image = Image.objects.select_for_update().filter(pk=row.image_id).first()
    unchanged = BucketObject.objects.select_for_update().filter(pk=row.pk, revision=row.revision, state=State.WAITING)
    return unchanged.exists()
