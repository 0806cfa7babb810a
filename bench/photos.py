"""Generated photos of 12 megapixels and about 3 MB, always the same."""

from __future__ import annotations

import hashlib
import math
import os
import random
import tempfile
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw

WIDTH, HEIGHT = 4000, 3000
GRAIN = 5.0  # standard deviation of the noise, in steps of 255
VERSION = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]  # a changed generator gets a new folder


def folder(small_count: int, large_count: int) -> tuple[Path, Path]:
    """A folder of photos inside a larger one; both are reused by later runs."""
    large = Path(tempfile.gettempdir()) / f"imagelib-bench-photos-{os.geteuid()}-{VERSION}-{small_count}-{large_count}"
    small = large / "small"
    small.mkdir(parents=True, exist_ok=True)
    paths = {number: (small if number < small_count else large) / f"{number:04}.jpg" for number in range(large_count)}
    missing = [(number, path) for number, path in paths.items() if not path.exists()]
    if missing:
        with get_context("spawn").Pool() as pool:
            pool.starmap(write, missing, chunksize=4)
    return small, large


def write(number: int, path: Path) -> None:
    unfinished = path.with_suffix(".new")  # renamed at the end: an interrupted run leaves no half file
    photo(number).save(unfinished, "JPEG", quality=90, subsampling="4:2:0")
    unfinished.replace(path)


def photo(number: int, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """A gradient, a dozen ellipses and noise, so that it compresses as a photo does."""
    generator = random.Random(number)
    picture = _light(generator, width, height)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, size = (
            generator.randrange(width),
            generator.randrange(height),
            generator.randrange(width // 20, width // 4),
        )
        color = tuple(generator.randrange(30, 226) for _ in range(3))
        draw.ellipse((x, y, x + size, y + size * generator.uniform(0.4, 1.2)), fill=color)
    grain = ImageChops.offset(_grain(width, height), generator.randrange(width), generator.randrange(height))
    return ImageChops.add(picture, grain, offset=-128)


def _light(generator: random.Random, width: int, height: int) -> Image.Image:
    y, x = np.mgrid[0 : height // 20, 0 : width // 20] * 20 / width * 2 * math.pi
    waves = []
    for _ in range(3):
        along, across, phase = generator.uniform(0.3, 1.5), generator.uniform(0.3, 1.5), generator.uniform(0, 6)
        waves.append(128 + 60 * np.sin(along * x + phase) + 40 * np.cos(across * y - phase))
    small = Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


@cache
def _grain(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(12).normal(128, GRAIN, (height, width))
    return Image.merge("RGB", (Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)),) * 3)
