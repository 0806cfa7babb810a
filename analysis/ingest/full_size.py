"""All pixels of an image for zooming.

One JPEG, or tiles of several levels in one file.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from PIL import Image

from analysis.ingest.decode import Reserve, decode, no_reservation, open_source
from analysis.ingest.normalize import Bounds
from analysis.ingest.orientation import turned
from analysis.ingest.thumbnails import PREVIEW_BOUNDS
from analysis.ingest.validation import DEFAULT_LIMITS, Limits

QUALITY = 85
TILE_SIZE = 1024
COPY_BYTES = 6
"""Bytes per pixel in addition to decoding: an sRGB copy and a turned copy, with three bytes each."""
ALL_PIXELS = Bounds(10**6)
HEADER_LENGTH = struct.Struct(">I")
MAX_HEADER = 64 * 1024


@dataclass(frozen=True)
class Level:
    """A size of the image, and the offsets of its tiles in the file, row by row."""

    width: int
    height: int
    offsets: tuple[tuple[int, int], ...]

    def columns(self, tile_size: int) -> int:
        return -(-self.width // tile_size)

    def rows(self, tile_size: int) -> int:
        return -(-self.height // tile_size)


@dataclass(frozen=True)
class TileIndex:
    """The levels of a file of tiles, the smallest first."""

    tile_size: int
    levels: tuple[Level, ...]

    def span(self, level: int, row: int, column: int) -> tuple[int, int] | None:
        """Start and length of a tile in the file; None if there is none."""
        if not 0 <= level < len(self.levels):
            return None
        size = self.levels[level]
        columns = size.columns(self.tile_size)
        if not (0 <= row < size.rows(self.tile_size) and 0 <= column < columns):
            return None
        return size.offsets[row * columns + column]


def full_size_jpeg(
    source: Path | IO[bytes],
    *,
    turns: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    reserve: Reserve = no_reservation,
) -> bytes:
    """All pixels as one upright sRGB JPEG without metadata. Raises InvalidImage."""
    return _encoded(_decoded(source, turns=turns, limits=limits, reserve=reserve))


def tile_file(
    source: Path | IO[bytes],
    *,
    turns: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    reserve: Reserve = no_reservation,
) -> bytes:
    """JPEG tiles of all levels larger than the preview, after their index.

    Raises InvalidImage.
    """
    image: Image.Image | None = _decoded(source, turns=turns, limits=limits, reserve=reserve)
    levels: list[dict[str, Any]] = []
    tiles: list[list[bytes]] = []
    while image is not None:
        levels.insert(0, {"width": image.width, "height": image.height})
        tiles.insert(0, [_encoded(tile) for tile in _tiles(image)])
        image = image.reduce(2) if max(image.size) > 2 * PREVIEW_BOUNDS.long_side else None
    for level, contents in zip(levels, tiles, strict=True):
        # Lengths, since offsets in the file would depend on the length of this header.
        level["lengths"] = [len(content) for content in contents]
    header = json.dumps({"size": TILE_SIZE, "levels": levels}, separators=(",", ":")).encode()
    return b"".join([HEADER_LENGTH.pack(len(header)), header, *(tile for level in tiles for tile in level)])


def read_index(head: bytes) -> TileIndex:
    """The index from the first MAX_HEADER bytes of a file of tiles. Raises ValueError."""
    try:
        (length,) = HEADER_LENGTH.unpack_from(head)
        start = HEADER_LENGTH.size + length
        header = json.loads(head[HEADER_LENGTH.size : start])
        levels = []
        for level in header["levels"]:
            offsets = []
            for size in level["lengths"]:
                offsets.append((start, size))
                start += size
            levels.append(Level(level["width"], level["height"], tuple(offsets)))
    except (struct.error, LookupError, TypeError, ValueError) as error:
        raise ValueError("no index of tiles") from error
    return TileIndex(header["size"], tuple(levels))


def _decoded(source: Path | IO[bytes], *, turns: int, limits: Limits, reserve: Reserve) -> Image.Image:
    name = source.name if isinstance(source, Path) else "picture"

    def reserve_copies(needed: int) -> None:
        reserve(needed + needed * COPY_BYTES // 5)  # decoding takes at least five bytes a pixel

    with open_source(source, name=name) as file:
        decoded = decode(file, name=name, limits=limits, bounds=ALL_PIXELS, reserve=reserve_copies)
    return turned(decoded.image, turns)


def _tiles(image: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, image.height, TILE_SIZE):
        for left in range(0, image.width, TILE_SIZE):
            yield image.crop((left, top, min(left + TILE_SIZE, image.width), min(top + TILE_SIZE, image.height)))


def _encoded(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
