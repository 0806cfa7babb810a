"""Aspect ratios as CSS classes, since a strict policy allows no inline style; run as a module, it prints them.

Steps of three percent: a card's shape is at most 1.5 % off, which `object-fit: cover` hides. Panoramas and towers
beyond the ends are cropped to them.
"""

from __future__ import annotations

import math

STEP = math.log(1.03)
NARROWEST, WIDEST = -31, 39  # 1.03 to these powers: 0.40 and 3.17


def ratio_class(width: int, height: int) -> str:
    """The class of the step nearest to width / height."""
    power = round(math.log(width / height) / STEP)
    return _name(min(max(power, NARROWEST), WIDEST))


def _name(power: int) -> str:
    return f"r-{round(100 * 1.03**power)}"


def stylesheet() -> str:
    rules = [f".{_name(power)} {{ --ratio: {1.03**power:.4f}; }}" for power in range(NARROWEST, WIDEST + 1)]
    return "\n".join(["/* Written by `python -m analysis.web.aspect_ratios`. */", *rules, ""])


if __name__ == "__main__":
    print(stylesheet(), end="")
