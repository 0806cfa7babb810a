"""Drawn thumbnails that the pictures of a generated library share."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import ImageDraw

from analysis.ingest.thumbnails import fit_within, placeholder, thumb_of
from bench import photos
from bench.dataset.spec import THUMBNAIL_COUNT

SIZES = ((4000, 3000), (4000, 3000), (6000, 4000), (3000, 4000), (4032, 2268), (3000, 3000), (2160, 3840), (5184, 3456))


@dataclass(frozen=True)
class Thumbnail:
    """Thumbnail and placeholder; width and height of the original in pixels."""

    renditions_id: uuid.UUID
    width: int
    height: int
    placeholder: bytes
    thumb: bytes


@cache
def thumbnails() -> tuple[Thumbnail, ...]:
    return tuple(_draw(number) for number in range(THUMBNAIL_COUNT))


def write(pictures: Path) -> None:
    """Store the thumbnails where pages expect renditions."""
    for thumbnail in thumbnails():
        name = thumbnail.renditions_id.hex
        file = pictures / "renditions" / name[:2] / f"{name}-thumb.webp"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(thumbnail.thumb)


def _draw(number: int) -> Thumbnail:
    width, height = SIZES[number % len(SIZES)]
    small = fit_within(photos.photo(number, width // 5, height // 5), 800)
    generator = random.Random(number)
    draw = ImageDraw.Draw(small)
    left, top = generator.randrange(small.width // 2), generator.randrange(small.height // 2)
    draw.rectangle((left, top, left + 90, top + 60), fill=tuple(generator.randrange(256) for _ in range(3)))
    renditions_id = uuid.UUID(int=generator.getrandbits(128), version=4)
    return Thumbnail(renditions_id, width, height, placeholder(small), thumb_of(small).content)
