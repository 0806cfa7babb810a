"""Detects objects with their boxes: COCO's 80 classes, or those of LOCAL_DETECTOR."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.local import boxes, coco, picture_views, sessions
from analysis.recognition.local.prepared_models import DETECTOR
from analysis.recognition.responses import Box

MIN_SCORE = 0.30
SIZE = (300, 300)


class Detection(NamedTuple):
    """One object."""

    class_name: str
    """COCO's, for example "cell phone"; of LOCAL_DETECTOR, as in its TOML file."""
    score: float
    box: Box
    """Fractions of the picture, within 0 to 1."""


def is_available() -> bool:
    """True if a model's file is here."""
    return DETECTOR.record() is not None


def detect(picture: NDArray[np.uint8]) -> list[Detection]:
    """Objects in an RGB picture, height x width x 3, of any size; highest score first.

    Scores are at least MIN_SCORE, and no two boxes of a class overlap much.
    Raises ModelUnavailable, OutOfMemory.
    """
    view = picture_views.resize(picture, SIZE)
    image = view.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    session = sessions.session(DETECTOR.name, DETECTOR.version, DETECTOR.read)
    scores, corners = sessions.run(DETECTOR.name, session, ["scores", "boxes"], {"images": image})
    objects = boxes.best(scores[0], corners[0][:, [1, 0, 3, 2]].clip(0, 1), minimum=MIN_SCORE)
    return [Detection(coco.NAMES[index], score, _box(box)) for index, score, box in objects if coco.NAMES[index]]


def _box(corners: NDArray[np.float32]) -> Box:
    left, top, right, bottom = corners.astype(float).tolist()
    return Box(left, top, right - left, bottom - top)
