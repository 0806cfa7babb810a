"""Adds and changes images: files are stored first, then the row.

An owner's identical files are stored only once.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from django.contrib.postgres.functions import RandomUUID
from django.db import IntegrityError, transaction

from analysis.ingest.descriptive_metadata import DescriptiveMetadata
from analysis.ingest.examine import Examined
from analysis.library import duplicate_flags, folders, image_events
from analysis.library.camera_backfill import camera_fields
from analysis.library.cities import city_names
from analysis.library.embedded_metadata import save_embedded_metadata
from analysis.models import Image, ImageIndex, ImageLabel
from analysis.storage import blobs
from analysis.storage.verified_copy import verified_copy


@dataclass(frozen=True)
class StoredFiles:
    """A new image with its stored files, or the existing image of the same bytes."""

    image: Image
    descriptive: DescriptiveMetadata
    keys: tuple[str, ...]
    folder: str = ""
    """The path of the folder it came from, if known."""


@dataclass(frozen=True)
class Added:
    image: Image
    is_new: bool


def find_active(sha256: str, *, owner_id: int) -> Image | None:
    """The owner's uploaded image with these bytes, unless it is in the trash."""
    return Image.objects.filter(owner_id=owner_id, sha256=sha256, trashed_at=None, bucket=None).first()


def find_any(sha256: str, *, owner_id: int) -> Image | None:
    """The same, or else the one that was last moved to the trash."""
    trashed = Image.objects.filter(owner_id=owner_id, sha256=sha256, bucket=None).exclude(trashed_at=None)
    return find_active(sha256, owner_id=owner_id) or trashed.order_by("-trashed_at").first()


def find_stored(sha256: str, *, owner_id: int) -> Image | None:
    """The same, unless the storage has lost its original. Raises StorageError."""
    image = find_any(sha256, owner_id=owner_id)
    return image if image and blobs.exists(image.key) else None


def store_files(
    examined: Examined,
    file: IO[bytes],
    *,
    owner_id: int,
    visibility: int = Image.Visibility.PRIVATE,
    uploaded_key: str = "",
    folder: str = "",
) -> StoredFiles:
    """Store the original and renditions of an image that `ingest.examine` accepted.

    `add` saves its row.

    `uploaded_key`: the key in our storage that `file` was read from, to copy from there. Bytes that the owner already
    has are not stored again, even if their image is in the trash, unless the storage has lost them.

    Raises StorageError, or its subclass FileChanged if the file is no longer the examined one; then nothing is stored.
    Read errors of `file` pass through.
    """
    # Including the trash, since stored bytes need no second copy; add() decides under a lock.
    if existing := find_any(examined.sha256, owner_id=owner_id):
        _replace_lost_original(existing, examined, file, uploaded_key=uploaded_key)
        return StoredFiles(existing, examined.metadata.descriptive, keys=(), folder=folder)
    image = _new_image(examined, owner_id=owner_id, visibility=visibility)
    renditions = {
        blobs.rendition_key(image.renditions_id, rendition.name): rendition.content for rendition in examined.renditions
    }
    keys = (image.key, *renditions)
    # Committed before the first byte is stored, so that the sweeper finds files left by a crash.
    blobs.register_pending(keys)
    try:
        _store_original(image.key, file, sha256=examined.sha256, uploaded_key=uploaded_key)
        for key, content in renditions.items():
            blobs.put(key, content)
    except (OSError, blobs.StorageError):
        blobs.delete_pending(keys)
        raise
    return StoredFiles(image, examined.metadata.descriptive, keys, folder)


def _replace_lost_original(image: Image, examined: Examined, file: IO[bytes], *, uploaded_key: str) -> None:
    """Store the original of an image again if the storage has lost it."""
    if blobs.exists(image.key):
        return
    key = blobs.original_key(examined.extension)
    blobs.register_pending([key])
    try:
        _store_original(key, file, sha256=examined.sha256, uploaded_key=uploaded_key)
    except (OSError, blobs.StorageError):
        blobs.delete_pending([key])
        raise
    with transaction.atomic():
        # By the old key, so that of two uploads of the lost file only one replaces it.
        is_saved = bool(Image.objects.filter(pk=image.pk, key=image.key).update(key=key))
        if is_saved:
            blobs.confirm([key])
    if not is_saved:  # another process was first, or the image was deleted
        blobs.delete_pending([key])


def _store_original(key: str, file: IO[bytes], *, sha256: str, uploaded_key: str) -> None:
    # The stored bytes must be the examined ones: a copy within the storage is bound to their ETag, others are hashed.
    if uploaded_key and blobs.can_copy():
        blobs.copy_upload(key, file, uploaded_key=uploaded_key)
        return
    with verified_copy(file, sha256=sha256) as copy:
        blobs.put(key, copy)


@transaction.atomic
def add(stored: StoredFiles) -> Added:
    """Save the row of an image.

    If the owner has the same bytes by now, the new files are deleted on commit.
    """
    image = stored.image
    if not stored.keys:
        add_folder(image, stored.folder)
        return Added(image, is_new=False)
    image.folder_id = folders.get_or_create_folder(folders.clean_path(stored.folder), owner_id=image.owner_id)
    try:
        with transaction.atomic():
            image.save(force_insert=True)
    except IntegrityError:  # the same bytes were added at the same time
        existing = find_active(image.sha256, owner_id=image.owner_id)
        if existing is None:
            raise
        # On commit, since this transaction may be part of a larger one that is rolled back and repeated.
        transaction.on_commit(partial(blobs.delete_pending, stored.keys))
        return Added(existing, is_new=False)
    duplicate_flags.mark_duplicates(image)
    save_embedded_metadata(image, stored.descriptive)
    blobs.confirm(stored.keys)
    return Added(image, is_new=True)


def add_folder(image: Image, path: str) -> None:
    """Save the folder of an uploaded image that has none yet."""
    # Images added by an older version have no folder.
    if image.folder_id is None and (path := folders.clean_path(path)):
        folder_id = folders.get_or_create_folder(path, owner_id=image.owner_id)
        Image.objects.filter(pk=image.pk, folder=None).update(folder_id=folder_id)


def save_settings(image: Image) -> None:
    """Save owner and visibility of an image, and update the search index."""
    with transaction.atomic():
        image.save(update_fields=["owner"])
        folders.move_to_owner([image.pk], image.owner_id)
        set_visibility([image.pk], image.visibility)
        for derived in (ImageLabel, ImageIndex):
            derived._default_manager.filter(image=image).update(owner_id=image.owner_id, visibility=image.visibility)


def set_visibility(image_ids: Collection[int], visibility: int) -> None:
    """Set the visibility of images, and update the search index."""
    # A new public ID, since old links must not work again when the image becomes public again.
    new_link = {} if visibility == Image.Visibility.PUBLIC else {"public_id": RandomUUID()}
    with transaction.atomic():
        # All three tables in one transaction, so that a search never finds a hidden picture by its labels.
        Image.objects.filter(pk__in=image_ids).update(visibility=visibility, **new_link)
        for derived in (ImageLabel, ImageIndex):
            derived._default_manager.filter(image_id__in=image_ids).update(visibility=visibility)
        image_events.record_changed(image_ids)


def transfer(image_ids: Collection[int], *, owner_id: int) -> list[int]:
    """Change the owner of images, except those whose bytes the new owner has.

    Returns the changed ids.
    """
    with transaction.atomic():
        locked = Image.objects.select_for_update(of=("self",)).filter(pk__in=image_ids).order_by("pk")
        active = Image.objects.filter(owner_id=owner_id, trashed_at=None, bucket=None)
        # Looked up before the update, since one file that the new owner has would make the constraint reject all.
        owned = set(active.filter(sha256__in=locked.values("sha256")).values_list("sha256", flat=True))
        changed = list[int]()
        for pk, sha256, trashed_at, bucket_id in locked.values_list("pk", "sha256", "trashed_at", "bucket_id"):
            if trashed_at is None and bucket_id is None:
                if sha256 in owned:
                    continue
                owned.add(sha256)
            changed.append(pk)
        Image.objects.filter(pk__in=changed).update(owner_id=owner_id)
        folders.move_to_owner(changed, owner_id)
        for derived in (ImageLabel, ImageIndex):
            derived._default_manager.filter(image_id__in=changed).update(owner_id=owner_id)
        image_events.record_changed(changed)
    return changed


def fields_from(examined: Examined) -> dict[str, Any]:
    """Fields of an image's row that derive from its file."""
    metadata, descriptive = examined.metadata, examined.metadata.descriptive
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
        "is_file_date": metadata.is_file_date,
        "camera_make": metadata.camera_make,
        "camera_model": metadata.camera_model,
        "lens": metadata.lens,
        "exposure": metadata.exposure,
        "aperture": metadata.aperture,
        "iso": metadata.iso,
        "focal_length": metadata.focal_length,
        **camera_fields(exposure=metadata.exposure, aperture=metadata.aperture, focal_length=metadata.focal_length),
        "description": descriptive.description,
        "place": descriptive.place,
        "creator": descriptive.creator,
        "copyright": descriptive.copyright,
        "city": city_names(metadata.latitude, metadata.longitude),
        "latitude": metadata.latitude,
        "longitude": metadata.longitude,
    }


def _new_image(examined: Examined, *, owner_id: int, visibility: int) -> Image:
    return Image(
        owner_id=owner_id,
        visibility=visibility,
        filename=examined.filename,
        title=examined.metadata.descriptive.title,
        key=blobs.original_key(examined.extension),
        renditions_id=uuid.uuid4(),
        **fields_from(examined),
    )
