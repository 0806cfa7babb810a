"""CSS classes for aspect ratios, since the CSP forbids inline styles.

Run as a module, it prints the stylesheet. The steps are 3 % apart, so a card is at most 1.5 % off, which `object-fit:
cover` hides. Wider and narrower pictures are cropped to the last step.
"""

from __future__ import annotations

import math

STEP = math.log(1.03)
NARROWEST, WIDEST = -31, 39  # 1.03 to these powers: 0.40 and 3.17


def ratio_class(width: int, height: int) -> str:
    """The CSS class nearest to width / height."""
    # The steps are powers, not equal differences, so portrait and landscape get the same number of classes.
    power = round(math.log(width / height) / STEP)
    return _class_name(min(max(power, NARROWEST), WIDEST))


def _class_name(power: int) -> str:
    return f"r-{round(100 * 1.03**power)}"


def stylesheet() -> str:
    rules = [f".{_class_name(power)} {{ --ratio: {1.03**power:.4f}; }}" for power in range(NARROWEST, WIDEST + 1)]
    return "\n".join(["/* Written by `python -m analysis.web.aspect_ratios`. */", *rules, ""])


if __name__ == "__main__":
    print(stylesheet(), end="")
