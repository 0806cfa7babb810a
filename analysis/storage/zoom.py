"""All pixels of an image for zooming: one JPEG, or tiles above 40 megapixels.

Rendered from the original when someone first zooms this far, stored with the other renditions and deleted with them.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal

from django.utils.translation import gettext as _

from analysis.ingest.decoding_service import full_size
from analysis.ingest.full_size import MAX_HEADER, TileIndex, read_index
from analysis.models import Image
from analysis.storage import blobs, originals
from analysis.storage.renditions import limits

MAX_SINGLE_PIXELS = 40_000_000
WAIT_SECONDS = 60
# One at a time per process, since it may take a gigabyte. Others who wait for the same image find it rendered.
_making = threading.Lock()


def is_tiled(image: Image) -> bool:
    return image.width * image.height > MAX_SINGLE_PIXELS


def prepare(image: Image) -> None:
    """Make the JPEG or the tiles of an image if they are missing.

    Raises StorageError or InvalidImage.
    """
    name = "tiles" if is_tiled(image) else "full"
    key = blobs.rendition_key(image.renditions_id, name)
    if blobs.exists(key):
        return
    with _turn():
        if not blobs.exists(key):
            _make(image, key)


def tile_index(image: Image) -> TileIndex:
    """The levels of a tiled image. Raises StorageError, BlobMissing before `prepare`."""
    return _index(image.renditions_id)


def read_tile(image: Image, level: int, row: int, column: int) -> bytes | None:
    """A tile's JPEG; None if the image has no such tile. Raises StorageError."""
    span = tile_index(image).span(level, row, column)
    if span is None:
        return None
    key = blobs.rendition_key(image.renditions_id, "tiles")
    return blobs.read_range(key, start=span[0], length=span[1])


# Cached, since a rendition never changes under its key, and an index has a few thousand numbers at most.
@lru_cache(maxsize=64)
def _index(renditions_id: uuid.UUID) -> TileIndex:
    key = blobs.rendition_key(renditions_id, "tiles")
    try:
        # The length of the index is not known before, so as much is read as it may have.
        return read_index(blobs.read_range(key, start=0, length=MAX_HEADER))
    except ValueError as error:
        raise blobs.StorageError(_("%(key)s is damaged.") % {"key": key}) from error


def _make(image: Image, key: str) -> None:
    with originals.get(image) as original:
        kind: Literal["jpeg", "tiles"] = "tiles" if is_tiled(image) else "jpeg"
        content = full_size(original, kind=kind, turns=image.quarter_turns, limits=limits())
    # Registered until it is certain that the image still has these renditions, which may be replaced in the meantime.
    blobs.register_pending([key])
    try:
        blobs.put(key, content)
    except blobs.StorageError:
        if not blobs.exists(key):  # unless another process has just made it
            blobs.delete_pending([key])
            raise
    if Image.objects.filter(pk=image.pk, renditions_id=image.renditions_id).exists():
        blobs.confirm([key])
    else:
        blobs.delete_pending([key])


@contextmanager
def _turn() -> Iterator[None]:
    if not _making.acquire(timeout=WAIT_SECONDS):
        raise blobs.StorageError(_("Other pictures are being prepared for zooming. Try again in a moment."))
    try:
        yield
    finally:
        _making.release()
