"""Limits for segments, scans, chunks and tags, counted before decoding.

Decoders spend time on each of them, some with the interpreter's lock held: a hostile file of a few hundred kilobytes
can hold enough of them for half a minute. The counts here take bounded time.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import IO

from analysis.ingest.validation import InvalidImage, clean_name
from analysis.messages import gettext_noop

MAX_SEGMENTS = 5_000  # a JPEG of 100 MB whose metadata comes in 64 kB pieces has 1,600
MAX_SCANS = 100  # progressive JPEGs have about 10, at most a few dozen
MAX_FILL_BYTES = 64 * 1024
MAX_PIECES = 20_000  # of a GIF before its first frame: some megabytes of comments
MAX_CHUNKS = 50_000  # a PNG of 100 MB in the usual 8 kB pieces has 13,000
MAX_TAGS = 4_096
CHUNK_BYTES = 64 * 1024

# A marker is 0xFF and a byte other than 00 (data), D0 to D7 (restart), 01 (temporary) and FF (fill).
MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
SOS, EOI = 0xDA, 0xD9
# DHT (C4), JPG (C8) and DAC (CC) are among the codes of frames, but none of them is a frame (ITU-T T.81, table B.1).
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class JpegStructure:
    """Scans and end of a JPEG.

    `coefficient_bytes`: memory that several scans need before the first pixel.
    """

    scans: int
    has_end: bool
    coefficient_bytes: int


def too_many_parts(limit: int, parts: str, *, title: str, name: str) -> InvalidImage:
    """The error for a file with more segments, chunks or tags than any program writes."""
    template = gettext_noop(
        "this %(format)s has more than %(limit)s %(parts)s, far more than any camera writes; open it and save it again"
    )
    return InvalidImage("too-complex", clean_name(name), template, format=title, limit=f"{limit:,}", parts=parts)


def damaged(title: str, *, name: str) -> InvalidImage:
    template = gettext_noop("this %(format)s is damaged and cannot be read; copy or send it again")
    return InvalidImage("broken", clean_name(name), template, format=title)


def jpeg_structure(file: IO[bytes], *, name: str) -> JpegStructure:
    """Count a JPEG's markers up to its end, as libjpeg reads it.

    Raises InvalidImage for too many.
    """
    segments = scans = coefficients = 0
    position = 2
    while True:
        marker, at = _next_marker(file, position)
        if scans == 0 and at - position > MAX_FILL_BYTES:
            raise damaged("JPEG", name=name)
        if marker is None or marker == EOI:
            return JpegStructure(scans, marker == EOI, coefficients if scans > 1 else 0)
        segments += 1
        if segments > MAX_SEGMENTS:
            raise too_many_parts(MAX_SEGMENTS, "segments", title="JPEG", name=name)
        if marker == SOS:
            scans += 1
        if scans > MAX_SCANS:
            raise too_many_parts(MAX_SCANS, "scans", title="JPEG", name=name)
        file.seek(at + 2)
        length = int.from_bytes(file.read(2), "big")
        if marker in FRAMES:
            coefficients = _coefficient_bytes(file.read(max(0, length - 2)))
        # The length includes its own two bytes; damaged files have smaller ones.
        position = at + 2 + max(length, 2)


def _next_marker(file: IO[bytes], position: int) -> tuple[int | None, int]:
    """The next marker at or after a position, and its position."""
    file.seek(position)
    while chunk := file.read(CHUNK_BYTES):
        if match := MARKER.search(chunk):
            return match[1][0], position + match.start()
        if len(chunk) == 1:
            return None, position
        position += len(chunk) - 1  # the last byte may be the first of a marker
        file.seek(position)
    return None, position


def _coefficient_bytes(frame: bytes) -> int:
    """Two bytes for each coefficient of each component, by a frame header."""
    if len(frame) < 6:
        return 0
    height, width, components = struct.unpack(">HHB", frame[1:6])
    factors = [(byte >> 4, byte & 15) for byte in frame[7 : 6 + 3 * components : 3]]
    across = max((across for across, _ in factors), default=1) or 1
    down = max((down for _, down in factors), default=1) or 1
    samples = sum(horizontal * vertical for horizontal, vertical in factors) / (across * down)
    return int(2 * width * height * samples)


def gif_size(file: IO[bytes], *, name: str) -> tuple[int, int]:
    """Width and height of a GIF's screen and first frame together.

    Raises InvalidImage for too many blocks.

    The frame may be larger than the screen, and Pillow allocates it while opening the file, before it reports a size.
    """
    file.seek(0)
    head = file.read(13)
    width, height = struct.unpack("<HH", head[6:10])
    file.seek(3 << (head[10] & 7) + 1 if head[10] & 128 else 0, 1)  # the palette
    for _ in range(MAX_PIECES):
        block = file.read(1)
        if block == b"!":  # an extension: its kind, then pieces of up to 255 bytes up to an empty one
            file.seek(1, 1)
            _skip_pieces(file, name=name)
        elif block == b",":
            left, top, across, down = struct.unpack("<HHHH", file.read(8))
            return max(width, left + across), max(height, top + down)
        elif block in {b"", b";"}:
            return width, height
    raise too_many_parts(MAX_PIECES, "blocks", title="GIF", name=name)


def _skip_pieces(file: IO[bytes], *, name: str) -> None:
    for _ in range(MAX_PIECES):
        piece = file.read(1)
        if piece in {b"", b"\0"}:
            return
        file.seek(piece[0], 1)
    raise too_many_parts(MAX_PIECES, "blocks", title="GIF", name=name)


def webp_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP's canvas.

    Pillow allocates it twice while opening the file.
    """
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(head) >= 30:
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def check_tiff_tags(file: IO[bytes], *, name: str) -> None:
    """Raises InvalidImage for more tags in the first page than any program writes.

    Pillow reads them all.
    """
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    is_big = 43 in head[2:4]
    try:
        (first,) = struct.unpack(order + "Q", head[8:16]) if is_big else struct.unpack(order + "I", head[4:8])
        # A BigTIFF offset may exceed 2^63 - 1, for which seek() raises OverflowError.
        file.seek(min(first, 2**62))
        (tags,) = struct.unpack(order + "Q", file.read(8)) if is_big else struct.unpack(order + "H", file.read(2))
    except struct.error:
        return  # truncated, which Pillow reports itself
    start = file.tell()
    is_present = tags * (20 if is_big else 12) <= file.seek(0, 2) - start  # else the file is damaged: Pillow reports it
    if tags > MAX_TAGS and is_present:
        raise too_many_parts(MAX_TAGS, "tags", title="TIFF", name=name)
