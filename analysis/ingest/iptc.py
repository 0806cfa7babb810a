"""Descriptive metadata from IPTC IIM (record 2) in JPEG and TIFF files."""

from __future__ import annotations

from PIL import Image

from analysis.ingest.descriptive_metadata import (
    LINE_LENGTH,
    TEXT_LENGTH,
    DescriptiveMetadata,
    clean_keywords,
    join_place,
)
from analysis.ingest.validation import plain_text

RESOURCE = 0x0404  # of Photoshop's resources in a JPEG
TAG = 33723  # of a TIFF
MAX_BYTES = 2**20
# ESC % G, the escape sequence of ISO 2022 by which dataset 1:90 declares UTF-8 (IPTC IIM 4.2).
UTF_8 = b"\x1b%G"
CHARACTER_SET = (1, 90)
TITLE, KEYWORD, CREATOR, CITY, SUBLOCATION, STATE, COUNTRY, COPYRIGHT, CAPTION = 5, 25, 80, 90, 92, 95, 101, 116, 120


def iptc_description(image: Image.Image) -> DescriptiveMetadata:
    """IPTC metadata of an opened image; empty if absent or unreadable."""
    values = _datasets(_block(image))
    is_utf_8 = UTF_8 in b"".join(values.get(CHARACTER_SET, ()))

    def texts(number: int) -> list[str]:
        return [_text(value, is_utf_8=is_utf_8) for value in values.get((2, number), ())]

    def line(number: int) -> str:
        return plain_text(", ".join(texts(number)), LINE_LENGTH)

    return DescriptiveMetadata(
        keywords=clean_keywords(texts(KEYWORD)),
        title=line(TITLE),
        description=plain_text(" ".join(texts(CAPTION)), TEXT_LENGTH),
        place=join_place(line(SUBLOCATION), line(CITY), line(STATE), line(COUNTRY)),
        creator=line(CREATOR),
        copyright=line(COPYRIGHT),
    )


def _block(image: Image.Image) -> bytes:
    resources = image.info.get("photoshop")
    block = resources.get(RESOURCE) if isinstance(resources, dict) else None
    if block is None:
        # TIFF has a tag for it.
        block = getattr(image, "tag_v2", {}).get(TAG)
    return block if isinstance(block, bytes) and len(block) <= MAX_BYTES else b""


def _datasets(block: bytes) -> dict[tuple[int, int], list[bytes]]:
    """Values by record and number, up to the first damaged one."""
    values: dict[tuple[int, int], list[bytes]] = {}
    position = 0
    while block[position : position + 1] == b"\x1c" and position + 5 <= len(block):
        record, number = block[position + 1], block[position + 2]
        size = int.from_bytes(block[position + 3 : position + 5], "big")
        position += 5
        if size & 0x8000 or position + size > len(block):  # an extended length, for values over 32 kB
            break
        values.setdefault((record, number), []).append(block[position : position + size])
        position += size
    return values


def _text(value: bytes, *, is_utf_8: bool) -> str:
    """Decode as UTF-8 first, since many programs write it without declaring it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace") if is_utf_8 else value.decode("latin-1")
