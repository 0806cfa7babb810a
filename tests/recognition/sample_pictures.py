"""Test pictures, drawn or from scikit-image, and cached local responses."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFont

from analysis.recognition.base import ApiName, Parameters, Response
from analysis.recognition.local.recognizer import LocalRecognizer

DATA = Path(skimage.__file__).parent / "data"


@cache
def sample(name: str) -> bytes:
    """One of scikit-image's pictures, as a JPEG like those made for a recognizer."""
    with Image.open(DATA / name) as image:
        return jpeg(image)


@cache
def answer(name: str, api: ApiName) -> Response:
    return look(sample(name), api)


def look(picture: bytes, api: ApiName, **parameters: int | float | bool) -> Response:
    return LocalRecognizer().recognize(picture, api=api, parameters=Parameters(**parameters))


def jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=92)
    return stream.getvalue()


@cache
def sign() -> bytes:
    """Two black lines on yellow, 800 x 600 pixels, at (100, 100) and (100, 300)."""
    image = Image.new("RGB", (800, 600), "gold")
    draw = ImageDraw.Draw(image)
    draw.text((100, 100), "KEEP LEFT", "black", ImageFont.load_default(70))
    draw.text((100, 300), "Harbor 24", "black", ImageFont.load_default(50))
    return jpeg(image)


@cache
def lfw(kind: str) -> np.ndarray:
    """A grid of 5 x 5 LFW samples of 100 pixels: "faces", or "others" without faces."""
    tiles = np.load(DATA / "lfw_subset.npy")[slice(0, 25) if kind == "faces" else slice(100, 125)]
    board = np.full((550, 550), 110, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        top, left = 110 * (number // 5) + 5, 110 * (number % 5) + 5
        image = Image.fromarray((tile * 255).astype(np.uint8)).resize((100, 100), Image.Resampling.BICUBIC)
        board[top : top + 100, left : left + 100] = np.asarray(image)
    return np.stack([board] * 3, axis=-1)
