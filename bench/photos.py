"""Photographs made by arithmetic: 12 megapixels, about 3 MB, the same ones on every machine and run."""

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
VERSION = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]  # other arithmetic, other folder


def folder(few: int, many: int) -> tuple[Path, Path]:
    """A folder of `few` photographs inside one of `many`, kept in the temporary folder for the next run."""
    large = Path(tempfile.gettempdir()) / f"imagelib-bench-photos-{os.geteuid()}-{VERSION}-{few}-{many}"
    small = large / "few"
    small.mkdir(parents=True, exist_ok=True)
    wanted = {number: (small if number < few else large) / f"{number:04}.jpg" for number in range(many)}
    missing = [(number, path) for number, path in wanted.items() if not path.exists()]
    if missing:
        with get_context("spawn").Pool() as pool:
            pool.starmap(write, missing, chunksize=4)
    return small, large


def write(number: int, path: Path) -> None:
    unfinished = path.with_suffix(".new")
    photo(number).save(unfinished, "JPEG", quality=90, subsampling="4:2:0")
    unfinished.replace(path)


def photo(number: int, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Soft light, a dozen things with edges, and grain over all of it."""
    chance = random.Random(number)
    picture = _light(chance, width, height)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, size = chance.randrange(width), chance.randrange(height), chance.randrange(width // 20, width // 4)
        color = tuple(chance.randrange(30, 226) for _ in range(3))
        draw.ellipse((x, y, x + size, y + size * chance.uniform(0.4, 1.2)), fill=color)
    grain = ImageChops.offset(_grain(width, height), chance.randrange(width), chance.randrange(height))
    return ImageChops.add(picture, grain, offset=-128)


def _light(chance: random.Random, width: int, height: int) -> Image.Image:
    y, x = np.mgrid[0 : height // 20, 0 : width // 20] * 20 / width * 2 * math.pi
    waves = []
    for _ in range(3):
        along, across, phase = chance.uniform(0.3, 1.5), chance.uniform(0.3, 1.5), chance.uniform(0, 6)
        waves.append(128 + 60 * np.sin(along * x + phase) + 40 * np.cos(across * y - phase))
    small = Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


@cache
def _grain(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(12).normal(128, GRAIN, (height, width))
    return Image.merge("RGB", (Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)),) * 3)
