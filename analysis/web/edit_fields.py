"""Parsers for dates, time zones, durations and coordinates in form fields."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from analysis.curation.errors import ActionRefused

OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+\-\u2212])(\d{1,2})(?::?(\d\d))?", re.ASCII | re.IGNORECASE)
COORDINATES = re.compile(r"(-?\d{1,3}(?:\.\d{1,15})?)[\s,;]+(-?\d{1,3}(?:\.\d{1,15})?)", re.ASCII)
SPAN_UNITS = {"days": 24 * 60, "hours": 60, "minutes": 1}
MAX_SPAN = 10**6


def parse_clock(text: str) -> datetime | None:
    """Parse a date and time, or a date alone, on the camera's clock.

    The result is marked as UTC, whatever the camera's time zone. None if empty.

    Raises ActionRefused.
    """
    text = text.strip()
    if not text:
        return None
    try:
        # Stored as if it were UTC, so neither the reader's time zone nor the server's moves it.
        return datetime.fromisoformat(text[:40]).replace(tzinfo=UTC)
    except ValueError as error:
        raise ActionRefused(_("Enter a date and time such as 2021-06-05 14:30.")) from error


def clock_text(clock: datetime | None) -> str:
    """Format the value of a datetime-local field."""
    return clock.strftime("%Y-%m-%dT%H:%M:%S") if clock else ""


def parse_offset(text: str) -> int | None:
    """Parse an offset such as `+02:00`, `-3` or `Z` into minutes; None if empty.

    Raises ActionRefused.
    """
    text = text.strip()
    if not text:
        return None
    if text.upper() in {"Z", "UTC"}:
        return 0
    match = OFFSET.fullmatch(text)
    if match is None or int(match[3] or 0) > 59:
        raise ActionRefused(_("Enter a time zone such as +02:00, or leave it empty."))
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return minutes if match[1] == "+" else -minutes


def parse_coordinates(text: str) -> tuple[float | None, float | None]:
    """Parse `48.8584, 2.2945` into latitude and longitude; both None if empty.

    Raises ActionRefused.
    """
    text = text.strip()
    if not text:
        return None, None
    match = COORDINATES.fullmatch(text)
    if match is None:
        raise ActionRefused(_("Enter a latitude and a longitude in degrees, such as 48.8584, 2.2945."))
    return float(match[1]), float(match[2])


def coordinates_text(latitude: float | None, longitude: float | None) -> str:
    """Format coordinates with at most six decimals, which is a tenth of a meter."""
    if latitude is None or longitude is None:
        return ""
    return ", ".join(f"{degrees:.6f}".rstrip("0").rstrip(".") for degrees in (latitude, longitude))


def parse_span(*, days: str, hours: str, minutes: str) -> timedelta:
    """Parse a span of days, hours and minutes, each signed. Raises ActionRefused."""
    total = 0
    for unit, typed in (("days", days), ("hours", hours), ("minutes", minutes)):
        text = typed.strip().replace("\u2212", "-") or "0"
        if not re.fullmatch(r"[+-]?\d{1,7}", text, re.ASCII) or abs(int(text)) > MAX_SPAN:
            raise ActionRefused(_("Enter whole numbers of days, hours and minutes."))
        total += int(text) * SPAN_UNITS[unit]
    return timedelta(minutes=total)
