"""The moment a camera wrote down, as its own clock showed it, and its offset from UTC where that is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Some cameras and programs pad with blanks, leave the seconds or the time away, or add fraction and offset.
MOMENT = re.compile(
    r"(?P<year>\d{4})[:/.-](?P<month>[\d ]\d)[:/.-](?P<day>[\d ]\d)"
    r"(?:[ T]+(?P<hour>[\d ]?\d):(?P<minute>[\d ]\d)(?::(?P<second>[\d ]\d)(?:\.(?P<fraction>\d+))?)?"
    r"\s*(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
MOST_HOURS = 14


@dataclass(frozen=True)
class CaptureTime:
    """`clock`: the camera's, kept as if it were UTC; `offset`: its minutes from UTC, None where nobody knows."""

    clock: datetime
    offset: int | None = None


def capture_time(text: str, *, offset: str = "", fraction: str = "") -> CaptureTime | None:
    """EXIF's three texts read together: moment, offset and fraction of the second. None for what is no moment.

    Hour 24 and second 60 are the next day's and the next minute's first.
    """
    found = MOMENT.match(text)
    if found is None or not found["year"] > "1800":  # cameras without a clock write year 0000 or 0001
        return None
    parts = {name: int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")}
    if parts["hour"] > 24 or parts["minute"] > 59 or parts["second"] > 60:
        return None
    digits = found["fraction"] or (fraction if fraction.isascii() and fraction.isdigit() else "")
    beyond = timedelta(days=parts["hour"] // 24, minutes=parts["second"] // 60)
    parts |= {"hour": parts["hour"] % 24, "second": parts["second"] % 60, "microsecond": int(f"{digits:0<6}"[:6])}
    try:
        clock = datetime(**parts, tzinfo=UTC) + beyond
    except (ValueError, OverflowError):
        return None
    return CaptureTime(clock, _minutes(found["offset"] or offset))


def _minutes(text: str) -> int | None:
    """Of "+02:00" 120; None for what is no offset."""
    if text == "Z":
        return 0
    found = OFFSET.fullmatch(text)
    if found is None or int(found[2]) > MOST_HOURS or int(found[3]) > 59:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return -minutes if found[1] == "-" else minutes
