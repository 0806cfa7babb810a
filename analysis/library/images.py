"""Pictures as the library keeps them: blob first, then row, and the same bytes once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import IO, Any

from django.contrib.postgres.functions import RandomUUID
from django.db import IntegrityError, transaction

from analysis.ingest.examine import Examined
from analysis.library import duplicate_flags
from analysis.library.file_description import save_described
from analysis.models import BucketObject, Image, ImageIndex, ImageLabel
from analysis.storage import blobs, originals
from analysis.storage.snapshot import snapshot


@dataclass(frozen=True)
class Added:
    image: Image
    is_new: bool


def find_active(sha256: str, *, owner_id: int) -> Image | None:
    """This person's upload of the same bytes, if it is in the library and not in the trash."""
    return Image.objects.filter(owner_id=owner_id, sha256=sha256, trashed_at=None, bucket=None).first()


def find_any(sha256: str, *, owner_id: int) -> Image | None:
    """The same, or the one that this person moved to the trash last."""
    thrown = Image.objects.filter(owner_id=owner_id, sha256=sha256, bucket=None).exclude(trashed_at=None)
    return find_active(sha256, owner_id=owner_id) or thrown.order_by("-trashed_at").first()


def add(
    examined: Examined,
    file: IO[bytes],
    *,
    owner_id: int,
    then: Callable[[Image], None],
    visibility: int = Image.Visibility.PRIVATE,
    arrived_as: str = "",
) -> Added:
    """Keep a picture that `ingest.examine` accepted; `then` is called with a new one in the same transaction.

    `arrived_as`: the key under which the storage has its bytes already, and from which the file was read.

    Bytes that are here already are that picture, which stays in the trash if it lies there.

    Raises blobs.StorageFailed, as snapshot.Changed where the file is no longer what was examined; then neither row nor
    blob stays. The file's own read errors pass through.
    """
    if present := find_any(examined.sha256, owner_id=owner_id):
        return Added(present, is_new=False)
    image = _row(examined, owner_id=owner_id, visibility=visibility)
    contents: dict[str, IO[bytes] | bytes] = {image.key: file}
    contents |= {blobs.rendition_key(image.renditions_id, each.name): each.content for each in examined.renditions}
    blobs.register_pending(contents)
    try:
        for key, content in contents.items():
            if key == image.key:
                _put_original(key, file, sha256=examined.sha256, arrived_as=arrived_as)
            else:
                blobs.put(key, content)
        with transaction.atomic():
            image.save(force_insert=True)
            duplicate_flags.mark_duplicates(image)
            save_described(image, examined.metadata.described)
            blobs.confirm(contents)
            then(image)
    except IntegrityError:
        blobs.delete_pending(contents)
        if present := find_active(examined.sha256, owner_id=owner_id):  # the same upload, a moment earlier
            return Added(present, is_new=False)
        raise
    except (OSError, blobs.StorageError):
        blobs.delete_pending(contents)
        raise
    return Added(image, is_new=True)


def _put_original(key: str, file: IO[bytes], *, sha256: str, arrived_as: str) -> None:
    """The very bytes that were examined: a copy inside the storage is bound to their ETag, others are hashed again."""
    if arrived_as and blobs.copies_inside():
        blobs.adopt_upload(key, file, arrived_as=arrived_as)
        return
    with snapshot(file, sha256=sha256) as copy:
        blobs.put(key, copy)


def remove(image: Image) -> None:
    """Delete a picture for good: the row now, its blobs on commit or by the sweeper."""
    with transaction.atomic():
        # The picture before its analyses, as whoever records an answer locks them; and its renditions of today.
        image = Image.objects.select_for_update(of=["self"]).select_related("bucket").get(pk=image.pk)
        keys = [blobs.rendition_key(image.renditions_id, name) for name in blobs.RENDITIONS]
        keys += [image.key] if image.bucket is None else []
        blobs.register_pending(keys)
        _drop_object(image)
        image.delete()
        transaction.on_commit(lambda: blobs.delete_pending(keys))


def _drop_object(image: Image) -> None:
    """Remember that the picture is not wanted any more, or the next sync would bring it back."""
    if image.bucket is None:
        return
    BucketObject.objects.filter(image=image).exclude(state=BucketObject.State.GONE).update(
        state=BucketObject.State.DROPPED, image=None
    )
    if image.bucket.may_delete:
        transaction.on_commit(lambda: originals.delete(image), robust=True)


def save_settings(image: Image) -> None:
    """Save what a person decides about a picture: owner, title, who may see it. Search follows at once."""
    with transaction.atomic():
        image.save(update_fields=["owner", "title"])
        set_visibility([image.pk], image.visibility)
        for derived in (ImageLabel, ImageIndex):
            derived._default_manager.filter(image=image).update(owner_id=image.owner_id, visibility=image.visibility)


def set_visibility(image_ids: Collection[int], visibility: int) -> None:
    """Say who may see pictures. Search follows at once."""
    other_address = {} if visibility == Image.Visibility.PUBLIC else {"public_id": RandomUUID()}  # the old one is known
    with transaction.atomic():
        Image.objects.filter(pk__in=image_ids).update(visibility=visibility, **other_address)
        for derived in (ImageLabel, ImageIndex):
            derived._default_manager.filter(image_id__in=image_ids).update(visibility=visibility)


def transfer(image_ids: Collection[int], *, owner_id: int) -> list[int]:
    """Make pictures somebody's, but for those whose bytes that person has in the library; answers them."""
    with transaction.atomic():
        locked = Image.objects.select_for_update(of=("self",)).filter(pk__in=image_ids).order_by("pk")
        there = Image.objects.filter(owner_id=owner_id, trashed_at=None, bucket=None)
        taken = set(there.filter(sha256__in=locked.values("sha256")).values_list("sha256", flat=True))
        given = list[int]()
        for pk, sha256, trashed_at, bucket_id in locked.values_list("pk", "sha256", "trashed_at", "bucket_id"):
            if trashed_at is None and bucket_id is None:
                if sha256 in taken:
                    continue
                taken.add(sha256)
            given.append(pk)
        Image.objects.filter(pk__in=given).update(owner_id=owner_id)
        for derived in (ImageLabel, ImageIndex):
            derived._default_manager.filter(image_id__in=given).update(owner_id=owner_id)
    return given


def fields_from(examined: Examined) -> dict[str, Any]:
    """What a picture's bytes tell, as fields of its row."""
    metadata = examined.metadata
    return {
        "sha256": examined.sha256,
        "size": examined.size,
        "width": examined.width,
        "height": examined.height,
        "format": examined.format,
        "orientation": metadata.orientation,
        "phash": examined.phash,
        "signature": examined.signature,
        "placeholder": examined.placeholder,
        "taken_at": metadata.taken_at,
        "taken_offset": metadata.taken_offset,
        "camera_make": metadata.camera_make,
        "camera_model": metadata.camera_model,
        "lens": metadata.lens,
        "exposure": metadata.exposure,
        "aperture": metadata.aperture,
        "iso": metadata.iso,
        "focal_length": metadata.focal_length,
        "description": metadata.described.description,
        "place": metadata.described.place,
        "creator": metadata.described.creator,
        "copyright": metadata.described.copyright,
        "latitude": metadata.latitude,
        "longitude": metadata.longitude,
    }


def _row(examined: Examined, *, owner_id: int, visibility: int) -> Image:
    return Image(
        owner_id=owner_id,
        visibility=visibility,
        filename=examined.filename,
        title=examined.metadata.described.title,
        key=blobs.original_key(examined.extension),
        renditions_id=uuid.uuid4(),
        **fields_from(examined),
    )
