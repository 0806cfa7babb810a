"""All pixels of an image as one JPEG or as tiles; quarter turns."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from analysis.ingest import decoding_service
from analysis.ingest.full_size import read_index, tile_file
from analysis.ingest.orientation import turned_box
from analysis.ingest.validation import InvalidImage, Limits
from tests import pictures

NAMES = dict(zip(pictures.COLORS, ("red", "green", "blue", "yellow"), strict=True))


def corners(picture: Image.Image) -> list[str]:
    """Colors of top left, top right, bottom left and bottom right."""
    x, y = picture.width - 9, picture.height - 9
    colors = [picture.convert("RGB").getpixel(point) for point in ((8, 8), (x, 8), (8, y), (x, y))]

    def distance(color, other):
        return sum(abs(one - two) for one, two in zip(color, other, strict=True))

    return [NAMES[min(NAMES, key=lambda known, color=color: distance(known, color))] for color in colors]


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("turns", "size", "expected"),
    [
        (0, (160, 120), ["red", "green", "blue", "yellow"]),
        (1, (120, 160), ["blue", "red", "yellow", "green"]),
        (2, (160, 120), ["yellow", "blue", "green", "red"]),
        (3, (120, 160), ["green", "yellow", "red", "blue"]),
    ],
)
def test_pixels_are_upright_and_turned_clockwise(turns, size, expected):
    file = io.BytesIO(pictures.with_orientation(6))
    full = opened(decoding_service.full_size(file, kind="jpeg", turns=turns))
    assert (full.format, full.size, corners(full)) == ("JPEG", size, expected)
    examined = decoding_service.examine(file, name="x.jpg", turns=turns)
    preview = next(opened(rendition.content) for rendition in examined.renditions if rendition.name == "preview")
    assert (preview.size, corners(preview)) == (size, expected)
    assert (examined.width, examined.height, examined.turns) == (160, 120, turns)


def test_tiles_cover_each_level_once():
    picture = pictures.quadrants(3500, 1100)
    content = tile_file(io.BytesIO(pictures.encoded(picture, "png")))
    index = read_index(content[:65_536])
    assert [(level.width, level.height) for level in index.levels] == [(1750, 550), (3500, 1100)]
    assert [len(level.offsets) for level in index.levels] == [2, 8]
    sizes = []
    for level in range(2):
        for row in range(3):
            for column in range(5):
                if span := index.span(level, row, column):
                    sizes.append(opened(content[span[0] : sum(span)]).size)
    assert sizes == [
        *[(1024, 550), (726, 550)],
        *[(1024, 1024)] * 3,
        (428, 1024),
        *[(1024, 76)] * 3,
        (428, 76),
    ]
    assert sum(index.levels[-1].offsets[-1]) == len(content)
    assert [index.span(*outside) for outside in ((2, 0, 0), (-1, 0, 0), (1, 2, 0), (1, 0, 4), (1, 0, -1))] == [None] * 5


@pytest.mark.parametrize("head", [b"", b"\x00\x00\x00\x05{}", b"\x00\x00\x00\x02[]rest", b"\x00\x00\x00\x09not JSON!"])
def test_damaged_index_is_an_error(head):
    with pytest.raises(ValueError, match="no index of tiles"):
        read_index(head)


def test_full_size_is_decoded_within_the_limits():
    file = io.BytesIO(pictures.jpeg(400, 300))
    with pytest.raises(InvalidImage) as refused:
        decoding_service.full_size(file, kind="tiles", turns=0, limits=Limits(max_pixels=100_000))
    assert refused.value.code == "too-many-pixels"


def test_boxes_turn_with_the_picture():
    box = (0.125, 0.25, 0.5, 0.25)
    assert [turned_box(*box, turns=turns) for turns in range(5)] == [
        box,
        (0.5, 0.125, 0.25, 0.5),
        (0.375, 0.5, 0.5, 0.25),
        (0.25, 0.375, 0.25, 0.5),
        box,
    ]
