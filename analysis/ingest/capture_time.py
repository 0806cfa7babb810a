"""Capture time from EXIF: the camera's clock, and its offset from UTC if known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Some cameras and programs pad with spaces, omit the seconds or the time, or add a fraction and an offset.
MOMENT = re.compile(
    r"(?P<year>\d{4})[:/.-](?P<month>[\d ]\d)[:/.-](?P<day>[\d ]\d)"
    r"(?:[ T]+(?P<hour>[\d ]?\d):(?P<minute>[\d ]\d)(?::(?P<second>[\d ]\d)(?:\.(?P<fraction>\d+))?)?"
    r"\s*(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
# UTC+14, on Kiritimati, is the largest offset of any time zone.
MAX_OFFSET_HOURS = 14


@dataclass(frozen=True)
class CaptureTime:
    """The time a picture was taken.

    `clock`: of the camera, stored as if it were UTC. `offset`: its minutes from UTC, None if unknown.
    """

    clock: datetime
    offset: int | None = None


def capture_time(text: str, *, offset: str = "", fraction: str = "") -> CaptureTime | None:
    """Parse EXIF's date and time, offset and fraction of the second. None if invalid.

    Hour 24 and second 60 roll over to the next day and minute.
    """
    match = MOMENT.match(text)
    if match is None or not match["year"] > "1800":  # cameras without a clock write year 0000 or 0001
        return None
    parts = {name: int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")}
    if parts["hour"] > 24 or parts["minute"] > 59 or parts["second"] > 60:
        return None
    digits = match["fraction"] or (fraction if fraction.isascii() and fraction.isdigit() else "")
    overflow = timedelta(days=parts["hour"] // 24, minutes=parts["second"] // 60)
    parts |= {"hour": parts["hour"] % 24, "second": parts["second"] % 60, "microsecond": int(f"{digits:0<6}"[:6])}
    try:
        clock = datetime(**parts, tzinfo=UTC) + overflow
    except (ValueError, OverflowError):
        return None
    return CaptureTime(clock, _minutes(match["offset"] or offset))


def _minutes(text: str) -> int | None:
    """120 for "+02:00"; None if invalid."""
    if text == "Z":
        return 0
    match = OFFSET.fullmatch(text)
    if match is None or int(match[2]) > MAX_OFFSET_HOURS or int(match[3]) > 59:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return -minutes if match[1] == "-" else minutes
