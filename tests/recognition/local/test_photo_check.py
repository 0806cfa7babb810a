"""Photographs are distinguished from silhouettes, small and flat pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage import data

from analysis.recognition.local.photo_check import is_photo


def silhouette():
    picture = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(picture).ellipse((100, 60, 300, 240), fill="black")
    return np.asarray(picture)


@pytest.mark.parametrize("name", ["chelsea", "coffee", "astronaut", "rocket", "camera"])
def test_photographs(name):
    picture = getattr(data, name)()
    rgb = picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1)

    assert is_photo(rgb)


@pytest.mark.parametrize(
    "picture",
    [
        silhouette(),
        np.full((300, 300, 3), 255, np.uint8),
        data.chelsea()[:100, :300],  # too few pixels
        np.random.default_rng(1).normal(110, 8, (300, 300, 1)).clip(0, 255).astype(np.uint8).repeat(3, axis=2),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((1, 5000, 3), np.uint8),
    ],
    ids=["silhouette", "blank", "small", "flat", "one pixel", "line"],
)
def test_other_pictures(picture):
    assert not is_photo(picture)
