"""A PNG without the chunks that a picture can do without: long texts, damaged extras, animation.

Pillow refuses a whole picture for a text or a profile over a megabyte and for a bad checksum of an extra, and handles
each chunk of the pixels at some cost, so these come as one.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import IO

from analysis.ingest.structure import MAX_CHUNKS, too_many

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_EXTRA_BYTES = 1024**2  # Pillow's own limit for a text, packed or not
MAX_TEXTS = 60  # unpacked, fewer than the 64 MB at which Pillow refuses the picture
MAX_PROFILE_BYTES = 16 * 1024**2
TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
PROFILE, PIXELS, END = b"iCCP", b"IDAT", b"IEND"


@dataclass(frozen=True)
class Png:
    """The part of a PNG that is decoded, and its color profile."""

    file: IO[bytes]
    profile: bytes | None


class _Parts:
    """Chunks on their way into one file; those of the pixels that follow one another become one."""

    def __init__(self) -> None:
        self.file = io.BytesIO()
        self.file.write(SIGNATURE)
        self._open_at: int | None = None

    def add_pixels(self, content: bytes) -> None:
        if self._open_at is None:
            self._open_at = self.file.tell()
            self.file.write(bytes(4) + PIXELS)
        self.file.write(content)

    def add(self, kind: bytes, content: bytes, checksum: bytes) -> None:
        self.end_pixels(is_whole=True)
        self.file.write(len(content).to_bytes(4, "big") + kind + content + checksum)

    def end_pixels(self, *, is_whole: bool) -> None:
        """`is_whole`: False leaves out the checksum, which Pillow skips, so that the file ends where the bytes did."""
        if self._open_at is None:
            return
        end = self.file.tell()
        self.file.seek(self._open_at)
        self.file.write((end - self._open_at - 8).to_bytes(4, "big"))
        self.file.seek(end)
        if is_whole:
            self.file.write(bytes(4))  # Pillow does not look at it: the pixels have a checksum of their own
        self._open_at = None


def readable_png(file: IO[bytes], *, name: str) -> Png:
    """The chunks that make the picture and what it says of itself. Raises Rejected for too many of them."""
    parts, profile, texts = _Parts(), None, 0
    file.seek(len(SIGNATURE))
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == END:
            break
        if _is_skipped(kind, length):
            file.seek(length + 4, 1)
            continue
        content, checksum = file.read(length), file.read(4)
        texts += kind in TEXTS
        if kind == PIXELS:
            parts.add_pixels(content)
        elif len(checksum) < 4:
            break
        elif kind == PROFILE:
            profile = profile or _profile_in(content)
        elif _is_sound(kind, content, checksum) and texts <= MAX_TEXTS:
            parts.add(kind, content, checksum)
    else:
        raise too_many(MAX_CHUNKS, "chunks", title="PNG", name=name)
    if kind == END:
        parts.add(END, b"", zlib.crc32(END).to_bytes(4, "big"))
    parts.end_pixels(is_whole=False)
    parts.file.seek(0)
    return Png(parts.file, profile)


def _is_extra(kind: bytes) -> bool:
    return bool(kind[0] & 0x20)


def _is_skipped(kind: bytes, length: int) -> bool:
    maximum = MAX_PROFILE_BYTES if kind == PROFILE else MAX_EXTRA_BYTES
    return _is_extra(kind) and (kind in ANIMATION or length > maximum)


def _is_sound(kind: bytes, content: bytes, checksum: bytes) -> bool:
    """Whether to hand a chunk on. One that the picture needs always is: that it is damaged is for Pillow to say."""
    if not _is_extra(kind):
        return True
    is_intact = zlib.crc32(kind + content).to_bytes(4, "big") == checksum
    return is_intact and (kind not in TEXTS or _is_short(kind, content))


def _is_short(kind: bytes, content: bytes) -> bool:
    """Whether a text stays within the limit when it is unpacked."""
    packed = content.partition(b"\0")[2]
    if kind == b"zTXt":
        packed = packed[1:]
    elif kind == b"iTXt" and packed[:1] == b"\1":
        packed = packed[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        return True
    return _unpacked(packed, MAX_EXTRA_BYTES) is not None


def _profile_in(content: bytes) -> bytes | None:
    return _unpacked(content.partition(b"\0")[2][1:], MAX_PROFILE_BYTES)


def _unpacked(packed: bytes, maximum: int) -> bytes | None:
    """None where it is damaged or longer than `most`."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, maximum)
    except zlib.error:
        return None
    return content if unpacker.eof else None
