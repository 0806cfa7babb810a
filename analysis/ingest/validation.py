"""Checks of a file by its first bytes and header, before a pixel is decoded."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from analysis.ingest import file_types
from analysis.ingest.file_types import Format
from analysis.messages import MessageError, gettext_noop

NAME_LENGTH = 200
LONGEST_EXTENSION = 12

CONTROLS = {"Cc", "Zl", "Zp"}
# Surrogates, to which Python decodes bytes of file names that are not UTF-8 (PEP 383).
STRAY_BYTES = re.compile("[\ud800-\udfff]")
# Marks that change the direction of the text around them (U+202E makes "gpj.exe" read "exe.jpg"), and the byte order
# mark. Joiners (U+200C, U+200D) stay, since Persian words and emoji need them.
DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True)
class Limits:
    """Limits of bytes, pixels, decoding memory and processor seconds.

    All processes with the same `memory_folder` share `max_memory`, see machine_memory. On a busy processor, decoding is
    also stopped after twice `seconds` on the clock.
    """

    max_bytes: int = 100 * 1000**2
    max_pixels: int = 250_000_000
    max_memory: int = 2 * 1024**3
    seconds: int = 30
    memory_folder: Path | None = None


DEFAULT_LIMITS = Limits()


class InvalidImage(MessageError):
    """A file that is not accepted, with the reason as a sentence.

    `code` is stable, `name` the file's display name, `setting` the setting that would accept the file, if any.
    """

    def __init__(self, code: str, name: str, template: str, *, setting: str = "", **values: Any) -> None:
        super().__init__(template, **values)
        self.code = code
        self.name = name
        self.setting = setting

    @property
    def reason(self) -> str:
        """In English; `formatting.translated` gives it in the reader's language."""
        return super().__str__()

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def plain_text(value: str, length: int) -> str:
    """One line of at most length characters.

    NFC, without control characters, direction marks or stray bytes.
    """
    value = STRAY_BYTES.sub("\ufffd", value)
    value = DIRECTION_MARKS.sub("", value)
    value = "".join(" " if character.isspace() else character for character in value)
    value = "".join(character for character in value if unicodedata.category(character) not in CONTROLS)
    return unicodedata.normalize("NFC", " ".join(value.split()))[:length].rstrip()


def clean_name(name: str) -> str:
    """The name to display a file by.

    Its last path component as plain text of at most 200 characters.

    A name that is too long keeps its extension. The result is for people only and never part of a storage key.
    """
    name = plain_text(re.split(r"[/\\]", name)[-1], len(name) * 4)
    if name in {"", ".", ".."}:
        return "unnamed"
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) >= LONGEST_EXTENSION:
        return name[:NAME_LENGTH].rstrip()
    return stem[: NAME_LENGTH - len(extension) - 1].rstrip() + dot + extension


def check_size(size: int, *, name: str, limits: Limits) -> None:
    """Raises InvalidImage for a file of no bytes, or of more than the limit."""
    if size < 1:
        raise InvalidImage("empty", clean_name(name), gettext_noop("the file is empty"))
    if size > limits.max_bytes:
        raise InvalidImage(
            "too-large",
            clean_name(name),
            gettext_noop("%(size)s is over the limit of %(limit)s"),
            setting="MAX_UPLOAD_BYTES",
            size=megabytes(size),
            limit=megabytes(limits.max_bytes),
        )


def accepted_format(head: bytes, *, name: str, size: int, limits: Limits) -> Format:
    """The format of a file by its size and first file_types.HEAD_BYTES bytes.

    Raises InvalidImage.
    """
    if size < 1:
        check_size(size, name=name, limits=limits)
    detected = file_types.detect_format(head)
    if isinstance(detected, file_types.UnsupportedFormat):  # more specific than the size: a large video is a video
        raise InvalidImage(detected.code, clean_name(name), detected.template, **detected.values)
    check_size(size, name=name, limits=limits)
    return detected


def check_pixels(width: int, height: int, *, name: str, limits: Limits) -> None:
    """Raises InvalidImage where a header states no pixels, or more than the limit."""
    if width < 1 or height < 1:
        template = gettext_noop("this file is damaged: its header has no picture dimensions")
        raise InvalidImage("broken", clean_name(name), template)
    if width * height > limits.max_pixels:
        raise InvalidImage(
            "too-many-pixels",
            clean_name(name),
            gettext_noop("%(width)s × %(height)s px is over the %(limit)s-megapixel limit"),
            setting="MAX_PIXELS",
            width=f"{width:,}",
            height=f"{height:,}",
            limit=f"{limits.max_pixels / 1_000_000:,.4g}",
        )


def check_memory(needed: int, size: tuple[int, int], *, title: str, name: str, limits: Limits) -> None:
    """Raises InvalidImage if decoding needs more memory than the limit."""
    if needed <= limits.max_memory:
        return
    template = gettext_noop(
        "a %(format)s of %(width)s × %(height)s px takes too much memory to decode;"
        " make it smaller or save it as a JPEG"
    )
    if title == "JPEG":
        template = gettext_noop(
            "a %(format)s of %(width)s × %(height)s px takes too much memory to decode; make it smaller"
        )
    values = {"format": title, "width": f"{size[0]:,}", "height": f"{size[1]:,}"}
    raise InvalidImage("too-many-pixels", clean_name(name), template, setting="DECODE_MEMORY_BYTES", **values)


def megabytes(size: int) -> str:
    """100 MB; rounded up, so that a size above a limit is never shown as the limit."""
    value = size / 1000**2  # as everywhere on the pages, see formatting.filesize
    if value < 0.1:
        return f"{size:,} bytes"
    return f"{value:,.0f} MB" if value == int(value) else f"{value + 0.05:,.1f} MB"


def is_truncated(file: IO[bytes], kind: Format) -> bool:  # noqa: PLR0911
    """True if the end of a damaged file is missing, as far as its container shows."""
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
    """Follow the top-level boxes (length, name, content) of an ISO base media file."""
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
