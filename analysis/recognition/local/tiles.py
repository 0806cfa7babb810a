"""Detects text in overlapping tiles of a very long image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# (number, 4, 2): corners in pixels, clockwise from the text's own top left.
Boxes = NDArray[np.float32]

MIN_RATIO = 2.5  # of length to width, from which an image is split
TILE_RATIO = 1.5  # of a tile's length to the image's width
MIN_LENGTH = 960  # pixels of a tile
OVERLAP = 0.25  # of a tile
EDGE = 6  # pixels: text that ends this close to a tile's end was cut there

SAME_OVERLAP = 0.5  # share of the smaller area from which two boxes are the same text
SAME_LINE = 0.7  # share of the smaller height from which two parts belong to one line


@dataclass(frozen=True)
class Tile:
    """A range of the long side, in pixels."""

    start: int
    stop: int


@dataclass(frozen=True)
class _Detection:
    """A box of a tile, with its extent (low, high) along the image and across it."""

    box: NDArray[np.float32]
    tile: int
    along: tuple[float, float]
    across: tuple[float, float]
    is_cut: bool

    @property
    def area(self) -> float:
        return (self.along[1] - self.along[0]) * (self.across[1] - self.across[0])


def tiles_of(size: tuple[int, int]) -> list[Tile]:
    """Tiles of equal length that cover the image; a single one unless it is very long.

    `size`: width, height.
    """
    short, long = min(size), max(size)
    if long <= MIN_RATIO * short or long <= MIN_LENGTH:
        return [Tile(0, long)]
    length = min(long, max(round(TILE_RATIO * short), MIN_LENGTH))
    number = 1 + -(-(long - length) // round(length * (1 - OVERLAP)))
    starts = np.linspace(0, long - length, number).round().astype(int)
    return [Tile(int(start), int(start) + length) for start in starts]


def boxes_in(picture: NDArray[np.uint8], search: Callable[[NDArray[np.uint8]], Boxes]) -> Boxes:
    """Boxes that `search` detects in the tiles, without duplicates.

    Text that crosses tiles becomes one box.
    """
    height, width = picture.shape[:2]
    tiles, axis = tiles_of((width, height)), int(height > width)
    if len(tiles) == 1:
        return search(picture)
    detections: list[_Detection] = []
    for number, tile in enumerate(tiles):
        part = picture[tile.start : tile.stop] if axis else picture[:, tile.start : tile.stop]
        boxes = search(np.ascontiguousarray(part))
        for box in boxes:
            new = _detection(box, number, tile, axis=axis, length=max(height, width))
            matches = [other for other in detections if other.tile >= number - 1 and _is_same(new, other, number)]
            detections = [other for other in detections if not any(other is match for match in matches)]
            for match in matches:
                new = _joined(new, match, axis=axis)
            detections.append(new)
    detections.sort(key=lambda item: (float(item.box[:, 1].min()), float(item.box[:, 0].min())))
    return np.array([item.box for item in detections], dtype=np.float32).reshape(-1, 4, 2)


def _detection(box: NDArray[np.float32], number: int, tile: Tile, *, axis: int, length: int) -> _Detection:
    box = box.astype(np.float32)
    box[:, axis] += tile.start
    along = float(box[:, axis].min()), float(box[:, axis].max())
    across = float(box[:, 1 - axis].min()), float(box[:, 1 - axis].max())
    is_cut = (tile.start > 0 and along[0] < tile.start + EDGE) or (tile.stop < length and along[1] > tile.stop - EDGE)
    return _Detection(box, number, along, across, is_cut)


def _is_same(one: _Detection, other: _Detection, number: int) -> bool:
    """True for two boxes of one text, or of the parts of a line that was cut."""
    if other.tile == number and not (one.is_cut and other.is_cut):
        return False
    along, across = _common(one.along, other.along), _common(one.across, other.across)
    if along <= 0 or across <= 0:
        return False
    if along * across > SAME_OVERLAP * min(one.area, other.area):
        return True
    return (one.is_cut or other.is_cut) and _runs_along(one) and _runs_along(other) and _is_in_line(one, other)


def _is_in_line(one: _Detection, other: _Detection) -> bool:
    widths = (one.across[1] - one.across[0], other.across[1] - other.across[0])
    return _common(one.across, other.across) > SAME_LINE * min(widths)


def _runs_along(item: _Detection) -> bool:
    return item.along[1] - item.along[0] > item.across[1] - item.across[0]


def _common(one: tuple[float, float], other: tuple[float, float]) -> float:
    return min(one[1], other[1]) - max(one[0], other[0])


def _joined(one: _Detection, other: _Detection, *, axis: int) -> _Detection:
    """The larger box if it covers the other one, else a box around both."""
    larger = one if one.area >= other.area else other
    along = min(one.along[0], other.along[0]), max(one.along[1], other.along[1])
    if along[1] - along[0] <= larger.along[1] - larger.along[0] + EDGE:
        return _Detection(larger.box, one.tile, larger.along, larger.across, one.is_cut)
    across = min(one.across[0], other.across[0]), max(one.across[1], other.across[1])
    (left, right), (top, bottom) = (across, along) if axis else (along, across)
    box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)
    return _Detection(box, one.tile, along, across, one.is_cut)
