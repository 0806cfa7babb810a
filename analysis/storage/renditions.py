"""Thumbnail, preview and recognizer payload of an image, from its original."""

from __future__ import annotations

import uuid
from typing import IO

from django.conf import settings
from django.db import transaction

from analysis.aws.object_refs import S3Object
from analysis.ingest.decoding_service import examine, payload
from analysis.ingest.validation import Limits
from analysis.models import Image
from analysis.storage import blobs, originals

# Rekognition's limits for bytes and for sides in pixels: docs.aws.amazon.com/rekognition/latest/dg/limits.html
MAX_BYTES = 5 * 1024**2
MAX_BYTES_IN_S3 = 15 * 10**6
MIN_SIDE, MAX_SIDE = 80, 10_000


def limits() -> Limits:
    """Limits of accepted images, from the settings."""
    return Limits(
        max_bytes=settings.MAX_UPLOAD_BYTES,
        max_pixels=settings.MAX_PIXELS,
        max_memory=settings.DECODE_MEMORY_BYTES,
        seconds=settings.DECODE_SECONDS,
        memory_folder=settings.VAR / "decoding",
    )


def read(image: Image, name: str) -> IO[bytes]:
    """Open a rendition, rendering it again if it is missing.

    Raises StorageError or InvalidImage.
    """
    try:
        return blobs.get(blobs.rendition_key(image.renditions_id, name))
    except blobs.BlobMissing:
        remake(image)
        return blobs.get(blobs.rendition_key(image.renditions_id, name))


def remake(image: Image, *, turns: int | None = None) -> bool:
    """Render again, under new keys, since browsers cache the old URLs forever.

    `turns`: new quarter turns; unchanged by default. False if another process did so at the same time.
    """
    turns = image.quarter_turns if turns is None else turns % 4
    with originals.get(image) as original:
        examined = examine(original, name=image.filename, limits=limits(), turns=turns)
    old, new = image.renditions_id, uuid.uuid4()
    contents = {blobs.rendition_key(new, rendition.name): rendition.content for rendition in examined.renditions}
    # Outside the transaction below, so that the sweeper finds the written keys after a crash.
    blobs.register_pending(contents)
    for key, content in contents.items():
        blobs.put(key, content)
    with transaction.atomic():
        # Two visitors may open a picture without renditions at the same time. The second must not leave the first one's
        # files behind.
        unchanged = Image.objects.filter(pk=image.pk, renditions_id=old)
        columns = {"renditions_id": new, "placeholder": examined.placeholder, "quarter_turns": turns}
        is_saved = unchanged.update(**columns) == 1
        if is_saved:
            blobs.confirm(contents)
            # With the change, so that the sweeper deletes the files if that fails below, for example during a backup.
            blobs.register_pending(blobs.rendition_keys(old))
    if not is_saved:  # rendered by another process at the same time, or the image was deleted
        blobs.delete_pending(contents)
        new = Image.objects.filter(pk=image.pk).values_list("renditions_id", flat=True).first() or new
    else:
        blobs.delete_pending(blobs.rendition_keys(old))
        image.quarter_turns = turns
    image.renditions_id = new
    return is_saved


def for_recognition(image: Image, *, as_is: bool = False) -> bytes:
    """An upright JPEG of at most 5 MiB for a recognizer.

    `as_is`: the original, if it is within the limits. Raises StorageError or InvalidImage.
    """
    with originals.get(image) as original:
        if as_is and _is_sendable(image, max_bytes=MAX_BYTES):
            return original.read()
        try:
            return payload(original, long_side=settings.RECOGNITION_LONG_SIDE, limits=limits())
        except OSError as error:  # for example no memory for another process
            raise blobs.unreadable(image.key, error) from error


def is_sent_as_is(image: Image, picture: bytes | S3Object) -> bool:
    """True if the payload for a recognizer is the original itself."""
    return isinstance(picture, S3Object) or _is_sendable(image, max_bytes=MAX_BYTES)


def reference_for_recognition(image: Image) -> S3Object | None:
    """The original in S3, if Rekognition can read it there."""
    if not settings.REKOGNITION_READS_BUCKET or not _is_sendable(image, max_bytes=MAX_BYTES_IN_S3):
        return None
    return originals.reference(image, region=settings.AWS_REGION)


def _is_sendable(image: Image, *, max_bytes: int) -> bool:
    """True if the original is upright and within Rekognition's limits."""
    sides = image.width, image.height
    return (
        image.format in {Image.Format.JPEG, Image.Format.PNG}
        # Rekognition turns a JPEG by its EXIF orientation before it measures boxes, but not a PNG: boxes of upright
        # originals are in display space either way.
        and image.orientation == 1
        and image.size <= max_bytes
        and min(sides) >= MIN_SIDE
        and max(sides) <= MAX_SIDE
    )
