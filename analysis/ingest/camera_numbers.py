"""Numbers of camera settings from their texts: "1/250 s", "f/2.8", "35 mm"."""

from __future__ import annotations

import re

# With e and +, since exif.py writes large numbers as 1e+03.
EXPOSURE = re.compile(r"(?:1/)?([0-9.e+-]+) s")
APERTURE = re.compile(r"f/([0-9.e+-]+)")
FOCAL_LENGTH = re.compile(r"([0-9.e+-]+) mm")


def exposure_seconds(text: str) -> float | None:
    """Seconds of "1/250 s" or "2.5 s"; None for other texts."""
    number = _number(EXPOSURE, text)
    return 1 / number if number and text.startswith("1/") else number


def f_number(text: str) -> float | None:
    """The number of "f/2.8"; None for other texts."""
    return _number(APERTURE, text)


def millimeters(text: str) -> float | None:
    """The number of "35 mm"; None for other texts."""
    return _number(FOCAL_LENGTH, text)


def _number(form: re.Pattern[str], text: str) -> float | None:
    match = form.fullmatch(text)
    try:
        number = float(match[1]) if match else 0.0
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None
