"""The two renditions of a picture and the bytes a recognizer gets, from its original."""

from __future__ import annotations

import uuid
from typing import IO

from django.conf import settings
from django.db import transaction

from analysis.aws.object_refs import S3Object
from analysis.ingest.service import examine, payload
from analysis.ingest.validation import Limits
from analysis.models import Image
from analysis.storage import blobs, originals

# Rekognition's limits for bytes and for sides in pixels: docs.aws.amazon.com/rekognition/latest/dg/limits.html
MOST_BYTES = 5 * 1024**2
MOST_BYTES_IN_S3 = 15 * 10**6
SHORTEST_SIDE, LONGEST_SIDE = 80, 10_000


def limits() -> Limits:
    """What `ingest` may accept here, from the settings."""
    return Limits(
        max_bytes=settings.MAX_UPLOAD_BYTES,
        max_pixels=settings.MAX_PIXELS,
        max_memory=settings.DECODE_MEMORY_BYTES,
        seconds=settings.DECODE_SECONDS,
    )


def read(image: Image, name: str) -> IO[bytes]:
    """Open a rendition; one that was lost is made again. Raises blobs.StorageFailed or ingest's Rejected."""
    try:
        return blobs.get(blobs.rendition_key(image.renditions_id, name))
    except blobs.BlobMissing:
        remake(image)
        return blobs.get(blobs.rendition_key(image.renditions_id, name))


def remake(image: Image) -> None:
    """Make both renditions again from the original, under new keys, since browsers keep the old ones for ever."""
    with originals.get(image) as original:
        examined = examine(original, name=image.filename, limits=limits())
    old, new = image.renditions_id, uuid.uuid4()
    contents = {blobs.rendition_key(new, each.name): each.content for each in examined.renditions}
    blobs.register_pending(contents)
    for key, content in contents.items():
        blobs.put(key, content)
    with transaction.atomic():
        same = Image.objects.filter(pk=image.pk, renditions_id=old)
        is_ours = same.update(renditions_id=new, placeholder=examined.placeholder) == 1
        if is_ours:
            blobs.confirm(contents)
    if not is_ours:  # somebody made them at the same time, or the picture is gone
        blobs.delete_pending(contents)
        new = Image.objects.filter(pk=image.pk).values_list("renditions_id", flat=True).first() or new
    else:
        blobs.delete_pending(blobs.rendition_key(old, name) for name in blobs.RENDITIONS)
    image.renditions_id = new


def for_recognition(image: Image, *, as_is: bool = False) -> bytes:
    """An upright JPEG of at most 5 MiB for a recognizer, not kept; `as_is`, the original where it already is one.

    Raises blobs.StorageFailed or ingest's Rejected.
    """
    with originals.get(image) as original:
        if as_is and _needs_nothing(image, most_bytes=MOST_BYTES):
            return original.read()
        return payload(original, long_side=settings.RECOGNITION_LONG_SIDE, limits=limits())


def is_sent_as_is(image: Image, picture: bytes | S3Object) -> bool:
    """Whether this picture, made by `for_recognition` with `as_is` or a reference, is the original itself."""
    return isinstance(picture, S3Object) or _needs_nothing(image, most_bytes=MOST_BYTES)


def reference_for_recognition(image: Image) -> S3Object | None:
    """The original where it lies, if Rekognition may fetch it there itself and can read it as it is."""
    if not settings.REKOGNITION_READS_BUCKET or not _needs_nothing(image, most_bytes=MOST_BYTES_IN_S3):
        return None
    return originals.reference(image, region=settings.AWS_REGION)


def _needs_nothing(image: Image, *, most_bytes: int) -> bool:
    """Within Rekognition's limits, and its stored pixels are the upright ones, so boxes mean the same."""
    sides = image.width, image.height
    return (
        image.format in {Image.Format.JPEG, Image.Format.PNG}
        and image.orientation == 1
        and image.size <= most_bytes
        and min(sides) >= SHORTEST_SIDE
        and max(sides) <= LONGEST_SIDE
    )
