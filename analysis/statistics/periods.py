"""Periods of the dashboard, in days of the reader's time zone."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

Unit = Literal["hour", "day", "month"]
PeriodName = Literal["day", "week", "month", "year"]
PERIODS: tuple[PeriodName, ...] = ("day", "week", "month", "year")
DAYS = {"week": 7, "month": 30}


@dataclass(frozen=True)
class Period:
    """A period of hours, days or months.

    `starts`: start of each of them, in order. `end`: end of the last one, exclusive.
    """

    name: PeriodName
    unit: Unit
    starts: tuple[datetime, ...]
    end: datetime

    @property
    def start(self) -> datetime:
        return self.starts[0]

    @property
    def is_hourly(self) -> bool:
        return self.unit == "hour"

    @property
    def zone(self) -> tzinfo:
        return self.start.tzinfo or UTC

    @property
    def is_utc(self) -> bool:
        return all(start.utcoffset() == timedelta(0) for start in (*self.starts, self.end))

    def step(self, moment: datetime) -> datetime | None:
        """Start of the hour, day or month of a moment; None outside of the period."""
        if not self.start <= moment < self.end:
            return None
        return self.starts[bisect_right(self.starts, moment) - 1]

    @property
    def last_day(self) -> date:
        return (self.end - timedelta(microseconds=1)).date()

    def before(self) -> Period:
        """The period of the same length just before."""
        last = self.start - timedelta(microseconds=1)
        return period(self.name, until=last.date(), now=last)

    def days(self, start: datetime) -> tuple[date, date]:
        """First and last day of the step that begins at `start`; the day of an hour."""
        end = self._end_of(start)
        return start.date(), start.date() if self.is_hourly else (end - timedelta(microseconds=1)).date()

    def term(self, start: datetime | None = None) -> str:
        """The search term for pictures added in one step, or in the whole period.

        The search knows days in UTC only: in another time zone the term covers all that the step touches.
        """
        end = self.end if start is None else self._end_of(start)
        first = (self.start if start is None else start).astimezone(UTC)
        last = (end - timedelta(microseconds=1)).astimezone(UTC).date()
        if start is not None and self.unit == "month" and self.is_utc:
            return f"added:{first:%Y-%m}"
        is_day = start is not None and first.date() == last
        return f"added:{last}" if is_day else f"added:{first.date()}..{last}"

    def _end_of(self, start: datetime) -> datetime:
        return next(moment for moment in (*self.starts, self.end) if moment > start)


def period(name: PeriodName, *, until: date, now: datetime) -> Period:
    """The period that ends with the day `until`, in the time zone of `now`.

    `name` "day": the last 24 hours before `now`.
    """
    if name == "day":
        last = now.replace(minute=0, second=0, microsecond=0)
        hours = tuple(last - timedelta(hours=23 - number) for number in range(24))
        return Period(name, "hour", hours, last + timedelta(hours=1))
    zone = now.tzinfo or UTC
    end = midnight(until, zone) + timedelta(days=1)
    if name == "year":
        months = [_month(until, back, zone) for back in range(11, -1, -1)]
        return Period(name, "month", tuple(months), end)
    count = DAYS[name]
    return Period(name, "day", tuple(end - timedelta(days=back) for back in range(count, 0, -1)), end)


def midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _month(until: date, back: int, zone: tzinfo) -> datetime:
    number = until.year * 12 + until.month - 1 - back
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=zone)
