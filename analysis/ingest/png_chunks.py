"""Removes PNG chunks that Pillow should not read.

These are long texts, damaged ancillary chunks and animation. Pillow rejects an image for a text or profile of more than
a megabyte and for a wrong checksum of an ancillary chunk. It spends time on each chunk of pixels, so these are joined
into one.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import IO

from analysis.ingest.segment_limits import MAX_CHUNKS, too_many_parts

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_EXTRA_BYTES = 1024**2  # Pillow's limit for a text, compressed or not (PngImagePlugin.MAX_TEXT_CHUNK)
MAX_TEXTS = 60  # decompressed, below the 64 MB at which Pillow refuses the image (MAX_TEXT_MEMORY)
MAX_PROFILE_BYTES = 16 * 1024**2
TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
PROFILE, PIXELS, END = b"iCCP", b"IDAT", b"IEND"


@dataclass(frozen=True)
class Png:
    """A PNG reduced to what is decoded, and its color profile."""

    file: IO[bytes]
    profile: bytes | None


class _Parts:
    """A PNG being written, in which consecutive pixel chunks become one."""

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
        self.end_pixels(has_checksum=True)
        self.file.write(len(content).to_bytes(4, "big") + kind + content + checksum)

    def end_pixels(self, *, has_checksum: bool) -> None:
        """Complete the open pixel chunk, without checksum if the file ends there."""
        if self._open_at is None:
            return
        end = self.file.tell()
        self.file.seek(self._open_at)
        self.file.write((end - self._open_at - 8).to_bytes(4, "big"))
        self.file.seek(end)
        if has_checksum:
            self.file.write(bytes(4))  # any value: Pillow skips it, as the pixels have their own checksum
        self._open_at = None


def without_extra_chunks(file: IO[bytes], *, name: str) -> Png:
    """The chunks that Pillow needs for pixels and metadata.

    Raises InvalidImage for too many chunks.
    """
    parts, profile, texts = _Parts(), None, 0
    file.seek(len(SIGNATURE))
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == END:
            break
        if _is_skipped(kind, length):
            # Four bytes of checksum follow the content.
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
        raise too_many_parts(MAX_CHUNKS, "chunks", title="PNG", name=name)
    if kind == END:
        parts.add(END, b"", zlib.crc32(END).to_bytes(4, "big"))
    parts.end_pixels(has_checksum=False)
    parts.file.seek(0)
    return Png(parts.file, profile)


def _is_extra(kind: bytes) -> bool:
    return bool(kind[0] & 0x20)


def _is_skipped(kind: bytes, length: int) -> bool:
    maximum = MAX_PROFILE_BYTES if kind == PROFILE else MAX_EXTRA_BYTES
    return _is_extra(kind) and (kind in ANIMATION or length > maximum)


def _is_sound(kind: bytes, content: bytes, checksum: bytes) -> bool:
    """True for critical chunks, and for ancillary ones that Pillow accepts."""
    if not _is_extra(kind):
        return True
    is_intact = zlib.crc32(kind + content).to_bytes(4, "big") == checksum
    return is_intact and (kind not in TEXTS or _is_short(kind, content))


def _is_short(kind: bytes, content: bytes) -> bool:
    """True if a text stays within the limit when it is decompressed."""
    compressed = content.partition(b"\0")[2]
    if kind == b"zTXt":
        compressed = compressed[1:]
    elif kind == b"iTXt" and compressed[:1] == b"\1":
        compressed = compressed[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        return True
    return _decompressed(compressed, MAX_EXTRA_BYTES) is not None


def _profile_in(content: bytes) -> bytes | None:
    return _decompressed(content.partition(b"\0")[2][1:], MAX_PROFILE_BYTES)


def _decompressed(compressed: bytes, maximum: int) -> bytes | None:
    """None if damaged, or longer than `maximum` bytes."""
    decompressor = zlib.decompressobj()
    try:
        content = decompressor.decompress(compressed, maximum)
    except zlib.error:
        return None
    return content if decompressor.eof else None
