"""Pseudo-random values, always the same for the same picture."""

from __future__ import annotations

import random
import zlib
from typing import Any

Json = dict[str, Any]


def pseudo_random(digest: bytes, salt: str) -> random.Random:
    return random.Random(int.from_bytes(digest[:8], "big") ^ zlib.crc32(salt.encode()))


def percent(draw: random.Random, *, minimum: float = 20.0) -> float:
    """A confidence in percent; most are high."""
    return round(100 - (100 - minimum) * draw.random() ** 2, 4)


def box(draw: random.Random, *, maximum: float = 0.6) -> Json:
    """A bounding box; one in fifty exceeds the picture a little, as Rekognition's do."""
    width, height = 0.04 + maximum * draw.random(), 0.04 + maximum * draw.random()
    left, top = (1 - width) * draw.random(), (1 - height) * draw.random()
    if draw.random() < 0.02:
        left, top = -0.01 * draw.random(), 1.004 - height
    return {"Width": round(width, 6), "Height": round(height, 6), "Left": round(left, 6), "Top": round(top, 6)}
