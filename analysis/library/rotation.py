"""Rotates images in display, by quarter turns.

The original and the results are not changed.
"""

from __future__ import annotations

from analysis.models import Image
from analysis.storage import renditions


def rotate(image: Image, *, turns: int) -> bool:
    """Turn an image clockwise by quarters, and render it again.

    False if it was rendered again by another process at the same time. Raises StorageError or InvalidImage.
    """
    return renditions.remake(image, turns=image.quarter_turns + turns)
