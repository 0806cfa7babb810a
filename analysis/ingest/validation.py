"""Is this a picture we accept? Judged by its first bytes and its header alone, before a pixel is decoded."""

import re
import unicodedata
from dataclasses import dataclass
from typing import IO

from analysis.ingest import file_types
from analysis.ingest.file_types import Format

NAME_LENGTH = 200
LONGEST_EXTENSION = 12

CONTROLS = {"Cc", "Zl", "Zp"}
STRAY_BYTES = re.compile("[\ud800-\udfff]")  # how Python tells of file names that are not UTF-8
# Marks that turn the direction of the text around them (U+202E makes "gpj.exe" read "exe.jpg"), and
# the byte order mark. Joiners (U+200C, U+200D) stay: Persian words and emoji need them.
DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True)
class Limits:
    """What is refused before decoding: files over max_bytes, pictures over max_pixels or that need over max_memory.

    Decoding ends after `seconds` of processor time or, where others need the processor, twice that of waiting.
    """

    max_bytes: int = 100 * 1024**2
    max_pixels: int = 250_000_000
    max_memory: int = 2 * 1024**3
    seconds: int = 30


DEFAULT_LIMITS = Limits()


class InvalidImage(Exception):
    """A file that is not taken in: a stable code, and a sentence that begins with the file's display name.

    `setting`: the name of the setting that would have let it in, for those who run the server.
    """

    def __init__(self, code: str, name: str, reason: str, setting: str = "") -> None:
        super().__init__(code, name, reason, setting)  # all four, so that it survives the way back from a process
        self.code = code
        self.name = name
        self.reason = reason
        self.setting = setting

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def plain_text(value: str, length: int) -> str:
    """One line of at most length characters: NFC, without control characters, direction marks or stray bytes."""
    value = STRAY_BYTES.sub("\ufffd", value)
    value = DIRECTION_MARKS.sub("", value)
    value = "".join(" " if character.isspace() else character for character in value)
    value = "".join(character for character in value if unicodedata.category(character) not in CONTROLS)
    return unicodedata.normalize("NFC", " ".join(value.split()))[:length].rstrip()


def clean_name(name: str) -> str:
    """The name to display a file by: its last path component as plain text of at most 200 characters.

    A name that is too long keeps its extension. The result is for people only and never part of a storage key.
    """
    name = plain_text(re.split(r"[/\\]", name)[-1], len(name) * 4)
    if name in {"", ".", ".."}:
        return "unnamed"
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) >= LONGEST_EXTENSION:
        return name[:NAME_LENGTH].rstrip()
    return stem[: NAME_LENGTH - len(extension) - 1].rstrip() + dot + extension


def accepted_format(head: bytes, *, name: str, size: int, limits: Limits) -> Format:
    """The format of a file of size bytes beginning with head (sniff.HEAD_BYTES of it), or Rejected."""
    name = clean_name(name)
    if size == 0:
        raise InvalidImage("empty", name, "the file is empty")
    kind = file_types.detect_format(head)
    if isinstance(kind, file_types.UnsupportedFormat):
        raise InvalidImage(kind.code, name, kind.reason)
    if size > limits.max_bytes:
        reason = f"{megabytes(size)} is over the limit of {megabytes(limits.max_bytes)}"
        raise InvalidImage("too-large", name, reason, "MAX_UPLOAD_BYTES")
    return kind


def check_pixels(width: int, height: int, *, name: str, limits: Limits) -> None:
    """Raises Rejected for a picture whose header promises no pixels or more than the limit."""
    name = clean_name(name)
    if width < 1 or height < 1:
        raise InvalidImage("broken", name, "this file is damaged: its header gives the picture no size")
    if width * height > limits.max_pixels:
        maximum = f"{limits.max_pixels / 1_000_000:,.4g}-megapixel limit"
        raise InvalidImage("too-many-pixels", name, f"{width:,} × {height:,} px is over the {maximum}", "MAX_PIXELS")


def check_memory(needed: int, size: tuple[int, int], *, title: str, name: str, limits: Limits) -> None:
    """Raises Rejected for a picture whose decoder needs more memory than it is given."""
    if needed > limits.max_memory:
        reason = f"a {title} of {size[0]:,} × {size[1]:,} px takes too much memory to decode; make it smaller"
        hint = "" if title == "JPEG" else " or save it as a JPEG"
        raise InvalidImage("too-many-pixels", clean_name(name), reason + hint, "DECODE_MEMORY_BYTES")


def megabytes(size: int) -> str:
    """100 MB; one decimal where it tells, and never a size over a limit that reads like the limit."""
    value = size / 1024**2
    if value < 0.1:
        return f"{size:,} bytes"
    return f"{value:,.0f} MB" if value == int(value) else f"{value + 0.05:,.1f} MB"


def is_truncated(file: IO[bytes], kind: Format) -> bool:  # noqa: PLR0911
    """Whether the end of a damaged file is missing, as far as its container tells."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - 4096))
    tail = file.read(4096)
    file.seek(0)
    head = file.read(16)
    match kind.name:
        case "jpeg":
            return b"\xff\xd9" not in tail
        case "png":
            return b"IEND" not in tail
        case "gif":
            return not tail.rstrip(b"\0").endswith(b";")
        case "webp":
            return size < int.from_bytes(head[4:8], "little") + 8
        case "bmp":
            return size < int.from_bytes(head[2:6], "little")
        case "heic" | "avif":
            return _has_cut_box(file, size)
    return False


def _has_cut_box(file: IO[bytes], size: int) -> bool:
    """Follows the top-level boxes (length, name, content) of an ISO base media file to its end."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:  # a 64-bit length follows the name
            length = int.from_bytes(header[8:16], "big")
        if length == 0:  # to the end of the file
            return False
        if length < 8:
            return False
        position += length
    return position != size
