"""Distinguishes photographs from drawings, silhouettes and instrument images."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_SIDE: Final = 128  # pixels; smaller pictures are mostly interpolation at the classifier's size
SAMPLE_SIDE: Final = 256
TONES: Final = 32  # levels of gray that are distinguished
MAX_TWO_TONES: Final = 0.85  # share of the two most frequent levels; 0.69 for a person in front of a white wall
MIN_CONTRAST: Final = 12.0  # standard deviation of gray; 20 for a blurred cheetah, 10 for a microscope picture


def is_photo(rgb: NDArray[np.uint8]) -> bool:
    """False for drawings and the like.

    The classifier was not trained on them, and misnames them with confidence.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_SIDE:
        return False
    scale = min(1.0, SAMPLE_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Nearest neighbors: averaging would add tones at a drawing's edges.
    gray = cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST), cv2.COLOR_RGB2GRAY)
    tones = np.sort(np.bincount(gray.ravel() // (256 // TONES), minlength=TONES))
    return float(tones[-2:].sum() / gray.size) <= MAX_TWO_TONES and float(gray.std()) >= MIN_CONTRAST
