"""What a look at an object makes of it: a picture, another original of one, or none any more."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.timezone import now

from analysis.aws.s3_objects import ObjectInfo
from analysis.ingest.examine import Examined
from analysis.library import duplicate_flags, images
from analysis.library.file_description import save_described
from analysis.models import BucketObject, Image
from analysis.storage import blobs

State = BucketObject.State
MISSING_CODES = ObjectInfo(key="", etag="", size=0)


@dataclass(frozen=True)
class ImportHooks:
    """What else happens in the transaction that writes down what became of an object."""

    kept: Callable[[Image, bool], None]
    """With a picture that is new (True), or that got another original or came back (False)."""
    lost: Callable[[int, datetime], None]
    """With the id of a picture whose object is gone or no picture any more, and the moment of its loss."""


def import_object(each: BucketObject, examined: Examined, *, found: ObjectInfo, consequences: ImportHooks) -> None:
    """Keep the renditions of an object that was examined, and the picture's row, new or renewed.

    Raises blobs.StorageFailed; then nothing of it stays.
    """
    renditions_id = uuid.uuid4()
    contents = {blobs.rendition_key(renditions_id, made.name): made.content for made in examined.renditions}
    blobs.register_pending(contents)
    try:
        for key, content in contents.items():
            blobs.put(key, content)
    except blobs.StorageError:
        blobs.delete_pending(contents)
        raise
    with transaction.atomic():
        if not _is_still(each):
            transaction.on_commit(lambda: blobs.delete_pending(contents))
            return
        image = _row(each, examined, renditions_id=renditions_id, found=found)
        blobs.confirm(contents)
        _settle(each, state=State.PRESENT, found=found, image=image)
        consequences.kept(image, each.image_id is None)


def mark_unchanged(each: BucketObject, *, found: ObjectInfo) -> None:
    """It is what it was."""
    with transaction.atomic():
        if _is_still(each):
            _settle(each, state=State.PRESENT, found=found, image=each.image)


def mark_missing(
    each: BucketObject,
    *,
    consequences: ImportHooks,
    state: str = State.GONE,
    code: str = "gone",
    reason: str = "It is not in the bucket any more.",
    found: ObjectInfo = MISSING_CODES,
) -> None:
    """The object is no picture, or not any more; one that it was comes back as soon as the object does."""
    with transaction.atomic():
        if _is_still(each):
            moved = each.image if each.image and each.image.trashed_at is None else None
            at = now() if moved else each.trashed_at
            _settle(each, state=state, found=found, image=each.image, code=code, reason=reason, trashed_at=at)
            if moved and at:
                consequences.lost(moved.pk, at)


def _row(each: BucketObject, examined: Examined, *, renditions_id: uuid.UUID, found: ObjectInfo) -> Image:
    """The picture, with what its bytes tell now. What people said of it stays, and so does the trash they put it in."""
    described = examined.metadata.described
    image = each.image or Image(
        bucket=each.bucket, owner=each.bucket.owner, visibility=each.bucket.visibility, title=described.title
    )
    columns = images.fields_from(examined) | {
        "key": each.key,
        "filename": examined.filename,
        "version_id": found.version_id,
        "etag": found.etag,
        "sequencer": each.sequencer,
        "renditions_id": renditions_id,
    }
    if each.image:
        _discard_later(image.renditions_id)
        columns["original_replaced_at"] = now() if image.sha256 != examined.sha256 else image.original_replaced_at
        if is_missing(each):
            columns["trashed_at"] = None
    for name, value in columns.items():
        setattr(image, name, value)
    image.save(update_fields=columns if each.image else None)
    duplicate_flags.mark_duplicates(image)
    save_described(image, described)
    return image


def is_missing(each: BucketObject) -> bool:
    """Its picture is in the trash because the object went, and nobody has put it there since."""
    return each.image is not None and each.trashed_at is not None and each.image.trashed_at == each.trashed_at


def _discard_later(renditions_id: uuid.UUID) -> None:
    old = [blobs.rendition_key(renditions_id, name) for name in blobs.RENDITIONS]
    blobs.register_pending(old)
    transaction.on_commit(lambda: blobs.delete_pending(old))


def _settle(
    each: BucketObject,
    *,
    state: str,
    found: ObjectInfo,
    image: Image | None,
    code: str = "",
    reason: str = "",
    trashed_at: datetime | None = None,
) -> None:
    BucketObject.objects.filter(pk=each.pk).update(
        state=state,
        attempts=0,
        etag=found.etag,
        version_id=found.version_id,
        size=found.size,
        image=image,
        error_code=code,
        reason=reason,
        trashed_at=trashed_at,
    )


def _is_still(each: BucketObject) -> bool:
    """Nothing was heard of it while it was read; if something was, it waits and is read again.

    Its picture is looked at anew, for people went on with it, and locked first, as whoever removes one does.
    """
    if each.image_id:
        each.image = Image.objects.select_for_update().filter(pk=each.image_id).first()
    same = BucketObject.objects.select_for_update().filter(pk=each.pk, revision=each.revision, state=State.WAITING)
    return same.exists()
