"""Selects a detector's boxes by score, one for each object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MAX_CANDIDATES = 400  # boxes of a class that are compared with each other, the highest scores first
MAX_OVERLAP = 0.5  # intersection over union from which two boxes of a class are one object
MAX_OBJECTS = 100


def best(scores: Floats, boxes: Floats, *, minimum: float) -> list[tuple[int, float, Floats]]:
    """Class index, score and box of each object, highest score first.

    `scores`: (boxes, classes); `boxes`: (boxes, 4), left, top, right, bottom.
    """
    objects = []
    for index in np.flatnonzero((scores >= minimum).any(axis=0)):
        of_class = scores[:, index]
        candidates = np.flatnonzero(of_class >= minimum)
        candidates = candidates[np.argsort(-of_class[candidates], kind="stable")][:MAX_CANDIDATES]
        chosen = candidates[_distinct(boxes[candidates])]
        objects += [(int(index), float(of_class[number]), boxes[number]) for number in chosen]
    return sorted(objects, key=lambda item: -item[1])[:MAX_OBJECTS]


def _distinct(boxes: Floats) -> list[int]:
    """Indexes of the boxes that overlap none before them (non-maximum suppression)."""
    chosen: list[int] = []
    for number, box in enumerate(boxes):
        if not chosen or _overlaps(boxes[chosen], box).max() <= MAX_OVERLAP:
            chosen.append(number)
    return chosen


def _overlaps(boxes: Floats, box: Floats) -> Floats:
    size = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    common = np.clip(size, 0, None).prod(axis=1)
    union = _areas(boxes) + _areas(box[None]) - common
    return np.asarray(common / np.maximum(union, 1e-12), dtype=np.float32)


def _areas(boxes: Floats) -> Floats:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1))
