"""Detects objects with their boxes: COCO's 80 classes, or those of LOCAL_DETECTOR."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.responses import Box

MIN_SCORE = 0.30


class Detection(NamedTuple):
    """One object."""

    class_name: str
    """COCO's, for example "cell phone"; of LOCAL_DETECTOR, as in its TOML file."""
    score: float
    box: Box
    """Fractions of the picture, within 0 to 1."""


def is_available() -> bool:
    """True if a model's file is here."""
    return False


def detect(picture: NDArray[np.uint8]) -> list[Detection]:
    """Objects in an RGB picture, height x width x 3, of any size; highest score first.

    Scores are at least MIN_SCORE, and no two boxes of a class overlap much.
    """
    raise FileNotFoundError
