"""Detects faces with OpenCV's Haar cascades and, large ones, with BlazeFace.

Three cascades must agree and eyes raise the confidence: a false face is worse than a missed one. BlazeFace finds what
they miss: faces from the side, in shadow, behind glasses.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.recognition.local import blazeface, colors
from analysis.recognition.local.colors import Quality

SIDE = 1024  # pixels of the long side that are searched: half the payload's, which is four times as fast
MIN_FACE = 24  # pixels; the cascades were trained on windows of 20
SAME_FACE = 0.2  # intersection over union; low, since the cascades' boxes only reach from the forehead to the chin
MIN_CONFIDENCE = 80.0  # coins and patterns score lower, all of LFW's sample faces higher

cv2.setNumThreads(2)

Gray = NDArray[np.uint8]

# Cascade objects are not thread-safe, and two searches at once would only compete for the same cores.
lock = threading.Lock()


@dataclass(frozen=True)
class Face:
    """Bounding box in pixels, confidence in percent, quality of the box's content."""

    left: int
    top: int
    width: int
    height: int
    confidence: float
    quality: Quality


def find(rgb: NDArray[np.uint8]) -> tuple[Face, ...]:
    """Faces, largest first; `rgb` is height x width x 3. Raises ModelUnavailable."""
    small = colors.gray(rgb, side=SIDE)
    scale = small.shape[1] / rgb.shape[1]
    with lock:
        candidates = _search("frontalface_alt2", small, smallest=MIN_FACE)
        scored = [(box, _confidence(small, box, count)) for box, count in candidates]
        scored += _large_faces(rgb, scale, [box for box, confidence in scored if confidence >= MIN_CONFIDENCE])
    faces = [
        Face(
            *(round(x / scale), round(y / scale), round(w / scale), round(h / scale)),
            confidence=confidence,
            quality=colors.quality(small[y : y + h, x : x + w]),
        )
        for (x, y, w, h), confidence in scored
        if confidence >= MIN_CONFIDENCE
    ]
    return tuple(sorted(faces, key=lambda face: -face.width * face.height))


Box = tuple[int, int, int, int]


def _large_faces(rgb: NDArray[np.uint8], scale: float, known: list[Box]) -> list[tuple[Box, float]]:
    """Boxes of faces not among `known`, at the scale of the search, with confidence."""
    if not blazeface.is_available():
        return []
    faces = []
    for left, top, right, bottom, confidence in blazeface.find(rgb):
        corners = (round(left * scale), round(top * scale), round(right * scale), round(bottom * scale))
        box = corners[0], corners[1], max(1, corners[2] - corners[0]), max(1, corners[3] - corners[1])
        if not any(_overlap(box, other) > SAME_FACE for other in known):
            faces.append((box, confidence))
    return faces


def _search(cascade: str, gray: Gray, *, smallest: int, largest: int = 0) -> list[tuple[Box, int]]:
    """Boxes, each with the number of overlapping detections it was merged from."""
    boxes, counts = _cascade(cascade).detectMultiScale2(
        gray, scaleFactor=1.1, minNeighbors=4, minSize=(smallest, smallest), maxSize=(largest, largest)
    )
    return [((int(x), int(y), int(w), int(h)), int(count)) for (x, y, w, h), count in zip(boxes, counts, strict=True)]


def _confidence(gray: Gray, box: Box, count: int) -> float:
    """Percent, from the detections by three cascades and the eyes in the box.

    The scale was fitted to LFW's 100 faces and 100 non-faces and to textures; see
    tests/recognition/local/test_faces.py.
    """
    counts = [count, *(_support(cascade, gray, box) for cascade in ("frontalface_default", "frontalface_alt"))]
    if not all(counts):
        return 0.0
    evidence = math.prod(counts) ** (1 / 3) + 6 * min(_eyes(gray, box), 2)
    return 99.5 * (1 - math.exp(-evidence / 12))


def _support(cascade: str, gray: Gray, box: Box) -> int:
    """The number of detections by another cascade of about the same box."""
    x, y, w, h = box
    left, top = max(0, x - w // 3), max(0, y - h // 3)
    around = gray[top : y + h + h // 3, left : x + w + w // 3]
    boxes = _search(cascade, around, smallest=int(w * 0.6), largest=int(w * 1.7))
    hits = [count for (fx, fy, fw, fh), count in boxes if _overlap((fx + left, fy + top, fw, fh), box) > 0.3]
    return max(hits, default=0)


def _eyes(gray: Gray, box: Box) -> int:
    x, y, w, h = box
    upper = cv2.resize(gray[y : y + h * 6 // 10, x : x + w], (200, 120))
    return len(_cascade("eye").detectMultiScale(upper, scaleFactor=1.1, minNeighbors=4, minSize=(30, 30)))


def _overlap(one: Box, other: Box) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0, width) * max(0, height)
    return common / (one[2] * one[3] + other[2] * other[3] - common)


@cache
def _cascade(name: str) -> Any:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"))
