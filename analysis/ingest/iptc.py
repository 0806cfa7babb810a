"""IPTC's words about a picture (IIM, record 2), as JPEG and TIFF carry them."""

from __future__ import annotations

from PIL import Image

from analysis.ingest.description import LINE_LENGTH, TEXT_LENGTH, Description, keywords_of, place_of
from analysis.ingest.validation import plain_text

RESOURCE = 0x0404  # of Photoshop's resources in a JPEG
TAG = 33723  # of a TIFF
MOST_BYTES = 2**20
UTF_8 = b"\x1b%G"
CHARACTER_SET = (1, 90)
TITLE, KEYWORD, CREATOR, CITY, SUBLOCATION, STATE, COUNTRY, COPYRIGHT, CAPTION = 5, 25, 80, 90, 92, 95, 101, 116, 120


def iptc_description(image: Image.Image) -> Description:
    """Of an opened picture; empty where there is nothing, or nothing that can be read."""
    values = _datasets(_block(image))
    is_utf_8 = UTF_8 in b"".join(values.get(CHARACTER_SET, ()))

    def texts(number: int) -> list[str]:
        return [_text(value, is_utf_8=is_utf_8) for value in values.get((2, number), ())]

    def line(number: int) -> str:
        return plain_text(", ".join(texts(number)), LINE_LENGTH)

    return Description(
        keywords=keywords_of(texts(KEYWORD)),
        title=line(TITLE),
        description=plain_text(" ".join(texts(CAPTION)), TEXT_LENGTH),
        place=place_of(line(SUBLOCATION), line(CITY), line(STATE), line(COUNTRY)),
        creator=line(CREATOR),
        copyright=line(COPYRIGHT),
    )


def _block(image: Image.Image) -> bytes:
    resources = image.info.get("photoshop")
    block = resources.get(RESOURCE) if isinstance(resources, dict) else None
    if block is None:
        block = getattr(image, "tag_v2", {}).get(TAG)
    return block if isinstance(block, bytes) and len(block) <= MOST_BYTES else b""


def _datasets(block: bytes) -> dict[tuple[int, int], list[bytes]]:
    """Values by record and number; what follows a broken one is left alone."""
    found: dict[tuple[int, int], list[bytes]] = {}
    place = 0
    while block[place : place + 1] == b"\x1c" and place + 5 <= len(block):
        record, number = block[place + 1], block[place + 2]
        size = int.from_bytes(block[place + 3 : place + 5], "big")
        place += 5
        if size & 0x8000 or place + size > len(block):  # lengths of lengths are for values of more than 32 kB
            break
        found.setdefault((record, number), []).append(block[place : place + size])
        place += size
    return found


def _text(value: bytes, *, is_utf_8: bool) -> str:
    """Many programs write UTF-8 without saying so."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace") if is_utf_8 else value.decode("latin-1")
