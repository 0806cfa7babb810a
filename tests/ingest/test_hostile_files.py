"""Damaged bytes of all formats are decoded or raise InvalidImage."""

import random
from io import BytesIO

import pytest

from analysis.ingest.examine import examine
from analysis.ingest.validation import InvalidImage
from tests import pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
EXTREMES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0")


def outcome(content: bytes) -> str:
    try:
        return examine(BytesIO(content), name="picture").format
    except InvalidImage as refusal:
        return refusal.code


def spoiled(content: bytes, chance: random.Random) -> bytes:
    """Bytes changed in the head or anywhere, or the end cut off."""
    if chance.random() < 0.25:
        return content[: chance.randrange(len(content))]
    spoiled, zone = bytearray(content), chance.choice((200, len(content)))
    for _ in range(chance.choice((1, 2, 8))):
        position = chance.randrange(min(zone, len(content)))
        spoiled[position : position + 4] = chance.choice((chance.randbytes(1), chance.randbytes(4), *EXTREMES))
    return bytes(spoiled)


@pytest.mark.parametrize("form", pictures.FORMATS)
def test_spoiled_files_are_pictures_or_refused(form):
    chance = random.Random(form)
    with_metadata = form in {"jpeg", "png", "webp", "tiff", "heic", "avif"}
    content = pictures.with_exif(form) if with_metadata else pictures.every_format()[form]
    outcomes = {outcome(spoiled(content, chance)) for _ in range(150)}
    assert outcomes & {"broken", "truncated"}
    assert outcomes <= {
        form,
        "broken",
        "truncated",
        "unsupported",
        "not-an-image",
        "too-many-pixels",
        "raw",
        "video",
        "empty",
    }
