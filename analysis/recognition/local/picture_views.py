"""Scales pictures to the size of a model's input."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
# Width and height in pixels.
Size = tuple[int, int]

CROP_SHARE = 224 / 256  # of the short side, as in EfficientNet's evaluation


def resize(picture: Pixels, size: Size) -> Pixels:
    """Scale to exactly this size; reduction takes the mean of the pixels."""
    height, width = picture.shape[:2]
    # OpenCV's INTER_AREA takes the mean only if neither side gets larger.
    smaller = min(width, size[0]), min(height, size[1])
    scaled = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)
    if smaller != size:
        scaled = cv2.resize(scaled, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled, dtype=np.uint8)


def center_box(picture: Size, size: Size) -> tuple[int, int, int, int]:
    """Left, top, width and height of a picture's center crop.

    The largest part with the proportions of `size`, minus a margin.
    """
    scale = min(picture[0] / size[0], picture[1] / size[1]) * CROP_SHARE
    width, height = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    return (picture[0] - width) // 2, (picture[1] - height) // 2, width, height


def center(picture: Pixels, size: Size) -> Pixels:
    """The center crop of a picture, as in the models' evaluation."""
    left, top, width, height = center_box((picture.shape[1], picture.shape[0]), size)
    return resize(picture[top : top + height, left : left + width], size)


def letterbox(picture: Pixels, size: Size, *, fill: int) -> Pixels:
    """Scale the whole picture into the top left corner of a gray one."""
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = np.full((size[1], size[0], 3), fill, np.uint8)
    canvas[: inner[1], : inner[0]] = resize(picture, inner)
    return canvas
