"""Clockwise quarter turns of images, and of boxes in them."""

from __future__ import annotations

from PIL import Image

METHODS = {1: Image.Transpose.ROTATE_270, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_90}
"""Pillow's methods for clockwise quarter turns; its names count counter-clockwise."""


def turned(image: Image.Image, turns: int) -> Image.Image:
    method = METHODS.get(turns % 4)
    return image if method is None else image.transpose(method)


Fractions = tuple[float, float, float, float]


def turned_box(left: float, top: float, width: float, height: float, *, turns: int) -> Fractions:
    """A box in fractions of an image that is turned, as (left, top, width, height)."""
    for _ in range(turns % 4):
        left, top, width, height = 1 - top - height, left, height, width
    return left, top, width, height
