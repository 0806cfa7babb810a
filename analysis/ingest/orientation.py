"""Orientation of images: upright by EXIF, and turned by people, with boxes."""

from __future__ import annotations

from PIL import Image

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUARTER_TURNS = {1: Image.Transpose.ROTATE_270, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_90}
"""Pillow's methods for clockwise quarter turns; its names count counter-clockwise."""


def apply_orientation(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned upright by its EXIF orientation (1 to 8)."""
    method = UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def turned(image: Image.Image, turns: int) -> Image.Image:
    method = QUARTER_TURNS.get(turns % 4)
    return image if method is None else image.transpose(method)


Fractions = tuple[float, float, float, float]


def turned_box(left: float, top: float, width: float, height: float, *, turns: int) -> Fractions:
    """A box in fractions of an image that is turned, as (left, top, width, height)."""
    for _ in range(turns % 4):
        left, top, width, height = 1 - top - height, left, height, width
    return left, top, width, height
