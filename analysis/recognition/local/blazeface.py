"""Detects large faces, also from the side, with MediaPipe's BlazeFace."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.recognition.local import boxes, picture_views
from analysis.recognition.local.prepared_models import FACES

SIDE = 128
GRIDS = ((16, 2), (8, 6))  # cells per side, and boxes predicted per cell
# Of LFW's sample, 98 of 100 faces score higher and none of the 100 pictures without a face; nor does anything but
# faces in the evaluation's pictures.
MIN_SCORE = 0.70
EYE, MOUTH = 4, 10  # index of their coordinates, which follow the box

# Left, top, right, bottom in pixels, and confidence in percent.
Candidate = tuple[int, int, int, int, float]


def is_available() -> bool:
    """True if the model's file is here."""
    return FACES.record() is not None


def find(rgb: NDArray[np.uint8]) -> list[Candidate]:
    """Detect faces of about a sixth of the picture or more.

    `rgb`: height x width x 3.

    Not thread-safe, so the caller holds a lock. Raises ModelUnavailable.
    """
    height, width = rgb.shape[:2]
    network = _network(os.getpid(), FACES.version())
    view = picture_views.letterbox(rgb, (SIDE, SIDE), fill=0)
    network.setInput((view.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None].copy())
    logits, values = network.forward(("classificators", "regressors"))
    scores = np.asarray(1 / (1 + np.exp(-logits[0].clip(-50, 50))), np.float32)
    scores[~_is_upright(values[0])] = 0  # the model also detects faces that are upside down
    detections = boxes.best(scores, np.asarray(_corners(values[0]) / SIDE, np.float32), minimum=MIN_SCORE)
    scale = max(height, width)
    return [
        (*_clamped(corners * scale, width, height), _confidence(score))
        for _, score, corners in detections
        if corners[0] < corners[2] and corners[1] < corners[3]
    ]


def _corners(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Left, top, right, bottom in pixels of the input."""
    centers, half = _anchors() + values[:, :2], values[:, 2:4] / 2
    return np.asarray(np.concatenate([centers - half, centers + half], axis=1), np.float32)


def _is_upright(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """True where the mouth is below the first eye, both relative to the same anchor."""
    return np.asarray(values[:, MOUTH + 1] > values[:, EYE + 1])


@lru_cache(maxsize=1)
def _anchors() -> NDArray[np.float32]:
    """Centers of the cells in pixels of the input, once for each box."""
    centers = []
    for cells, number in GRIDS:
        middle = (np.arange(cells, dtype=np.float32) + 0.5) * SIDE / cells
        grid = np.stack([np.tile(middle, cells), np.repeat(middle, cells)], axis=1)
        centers.append(np.repeat(grid, number, axis=0))
    return np.concatenate(centers)


def _clamped(corners: NDArray[np.float32], width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(float(value)) for value in corners)
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


def _confidence(score: float) -> float:
    """From 80 % at the lowest score, as low as the cascades go, to 99 %."""
    return 80 + 19 * (score - MIN_SCORE) / (1 - MIN_SCORE)


@lru_cache(maxsize=1)
def _network(process: int, version: tuple[int, ...]) -> Any:  # noqa: ARG001 - a child makes its own, as does a new file
    return cv2.dnn.readNetFromTFLite(str(FACES.verified_path()))
