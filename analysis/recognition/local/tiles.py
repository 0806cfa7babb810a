"""A very long picture in overlapping tiles, and the boxes found in them as those of the whole picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""(number, 4, 2): corners in pixels, clockwise from the text's own top left."""

LONG = 2.5  # times as long as wide: below it, the whole is searched at once
LENGTH = 1.5  # of a tile, in widths of the picture
SHORTEST = 960
OVERLAP = 0.25  # of a tile
EDGE = 6  # pixels: text that ends so near to a tile's end is cut there

SAME = 0.5
IN_LINE = 0.7


@dataclass(frozen=True)
class Tile:
    """A stretch of the long side, in pixels."""

    start: int
    stop: int


@dataclass(frozen=True)
class _Found:
    """A box with the tile it was found in, as (low, high) along the picture and across it."""

    box: NDArray[np.float32]
    tile: int
    along: tuple[float, float]
    across: tuple[float, float]
    is_cut: bool

    @property
    def area(self) -> float:
        return (self.along[1] - self.along[0]) * (self.across[1] - self.across[0])


def tiles_of(size: tuple[int, int]) -> list[Tile]:
    """Tiles of equal length that together are the picture; one for a picture that is not long."""
    short, long = min(size), max(size)
    if long <= LONG * short or long <= SHORTEST:
        return [Tile(0, long)]
    length = min(long, max(round(LENGTH * short), SHORTEST))
    number = 1 + -(-(long - length) // round(length * (1 - OVERLAP)))
    starts = np.linspace(0, long - length, number).round().astype(int)
    return [Tile(int(start), int(start) + length) for start in starts]


def boxes_in(picture: NDArray[np.uint8], search: Callable[[NDArray[np.uint8]], Boxes]) -> Boxes:
    """What `search` finds in the tiles of a picture, each once; text that goes from one tile to the next is one box."""
    height, width = picture.shape[:2]
    tiles, axis = tiles_of((width, height)), int(height > width)
    if len(tiles) == 1:
        return search(picture)
    kept: list[_Found] = []
    for number, tile in enumerate(tiles):
        part = picture[tile.start : tile.stop] if axis else picture[:, tile.start : tile.stop]
        boxes = search(np.ascontiguousarray(part))
        for box in boxes:
            found = _found(box, number, tile, axis=axis, length=max(height, width))
            others = [other for other in kept if other.tile >= number - 1 and _is_same(found, other, number)]
            kept = [other for other in kept if not any(other is same for same in others)]
            for other in others:
                found = _joined(found, other, axis=axis)
            kept.append(found)
    kept.sort(key=lambda found: (float(found.box[:, 1].min()), float(found.box[:, 0].min())))
    return np.array([found.box for found in kept], dtype=np.float32).reshape(-1, 4, 2)


def _found(box: NDArray[np.float32], number: int, tile: Tile, *, axis: int, length: int) -> _Found:
    box = box.astype(np.float32)
    box[:, axis] += tile.start
    along = float(box[:, axis].min()), float(box[:, axis].max())
    across = float(box[:, 1 - axis].min()), float(box[:, 1 - axis].max())
    is_cut = (tile.start > 0 and along[0] < tile.start + EDGE) or (tile.stop < length and along[1] > tile.stop - EDGE)
    return _Found(box, number, along, across, is_cut)


def _is_same(one: _Found, other: _Found, number: int) -> bool:
    """Whether two boxes are of one text: the same, or parts of a line that runs along the picture and was cut."""
    if other.tile == number and not (one.is_cut and other.is_cut):
        return False
    along, across = _common(one.along, other.along), _common(one.across, other.across)
    if along <= 0 or across <= 0:
        return False
    if along * across > SAME * min(one.area, other.area):
        return True
    return (one.is_cut or other.is_cut) and _runs_along(one) and _runs_along(other) and _is_in_line(one, other)


def _is_in_line(one: _Found, other: _Found) -> bool:
    widths = (one.across[1] - one.across[0], other.across[1] - other.across[0])
    return _common(one.across, other.across) > IN_LINE * min(widths)


def _runs_along(found: _Found) -> bool:
    return found.along[1] - found.along[0] > found.across[1] - found.across[0]


def _common(one: tuple[float, float], other: tuple[float, float]) -> float:
    return min(one[1], other[1]) - max(one[0], other[0])


def _joined(one: _Found, other: _Found, *, axis: int) -> _Found:
    """The larger of two, or where each has what the other lacks, all of both."""
    larger = one if one.area >= other.area else other
    along = min(one.along[0], other.along[0]), max(one.along[1], other.along[1])
    if along[1] - along[0] <= larger.along[1] - larger.along[0] + EDGE:
        return _Found(larger.box, one.tile, larger.along, larger.across, one.is_cut)
    across = min(one.across[0], other.across[0]), max(one.across[1], other.across[1])
    (left, right), (top, bottom) = (across, along) if axis else (along, across)
    box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)
    return _Found(box, one.tile, along, across, one.is_cut)
