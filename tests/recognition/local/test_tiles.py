from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from analysis.recognition.local.tiles import boxes_in, tiles_of


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        ((2048, 1536), [(0, 2048)]),
        ((900, 400), [(0, 900)]),
        ((1000, 3000), [(0, 1500), (750, 2250), (1500, 3000)]),
        ((80, 1600), [(0, 960), (640, 1600)]),
    ],
)
def test_tiles_cover_a_long_image(size, tiles):
    assert [(tile.start, tile.stop) for tile in tiles_of(size)] == tiles
    assert [(tile.start, tile.stop) for tile in tiles_of(size[::-1])] == tiles


@pytest.mark.parametrize("size", [(900, 10_000), (80, 10_000), (1024, 4096), (2000, 10_000)])
def test_tiles_overlap_by_a_quarter(size):
    tiles = tiles_of(size)
    assert (tiles[0].start, tiles[-1].stop) == (0, max(size))
    length = tiles[0].stop
    assert all(one.stop - other.start >= length // 4 for one, other in pairwise(tiles))
    assert len(tiles) <= 14


def rectangles(picture):
    """A search that finds what is not black, as far as a tile shows it."""
    boxes = []
    for value in np.unique(picture[picture > 0]):
        rows, columns = np.nonzero(picture == value)
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        boxes.append([[left, top], [right, top], [right, bottom], [left, bottom]])
    return np.array(boxes, dtype=np.float32).reshape(-1, 4, 2)


@pytest.mark.parametrize(
    "drawn",
    [
        [(100, 50, 700, 90)],
        [(0, 740, 900, 770), (0, 772, 900, 800), (100, 1480, 500, 1510), (100, 1512, 500, 1540)],  # at borders of tiles
        [(480, 200, 520, 2900)],  # along the picture, through all of its tiles
        [(100, 700, 140, 1600), (150, 700, 190, 1600), (100, 1605, 140, 1900)],
    ],
    ids=["one", "at borders", "through all", "side by side"],
)
@pytest.mark.parametrize("is_wide", [False, True])
def test_text_in_overlaps_is_detected_once(drawn, is_wide):
    picture = np.zeros((3000, 1000), dtype=np.uint8)
    for value, (left, top, right, bottom) in enumerate(drawn, start=1):
        picture[top:bottom, left:right] = value
    boxes = boxes_in(picture.T if is_wide else picture, rectangles)
    made = sorted(
        (*box.min(axis=0)[:: -1 if is_wide else 1], *box.max(axis=0)[:: -1 if is_wide else 1]) for box in boxes
    )
    assert made == sorted(drawn)


def test_blank_image_has_no_boxes():
    assert boxes_in(np.zeros((3000, 1000), dtype=np.uint8), rectangles).shape == (0, 4, 2)
