"""Periods of the dashboard, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
    def last_day(self) -> date:
        return (self.end - timedelta(microseconds=1)).date()

    def before(self) -> Period:
        """The period of the same length just before."""
        last = self.start - timedelta(microseconds=1)
        return period(self.name, until=last.date(), now=last)

    def days(self, start: datetime) -> tuple[date, date]:
        """First and last day of the step that begins at `start`; the day of an hour."""
        end = next(moment for moment in (*self.starts, self.end) if moment > start)
        return start.date(), start.date() if self.is_hourly else (end - timedelta(microseconds=1)).date()

    def term(self, start: datetime | None = None) -> str:
        """The search term for pictures added in one step, or in the whole period.

        Its smallest unit is a day.
        """
        if start is None:
            return f"added:{self.start.date()}..{self.last_day}"
        return f"added:{start:%Y-%m}" if self.unit == "month" else f"added:{start:%Y-%m-%d}"


def period(name: PeriodName, *, until: date, now: datetime) -> Period:
    """The period that ends with the day `until`.

    `name` "day": the last 24 hours before `now`.
    """
    if name == "day":
        last = now.replace(minute=0, second=0, microsecond=0)
        hours = tuple(last - timedelta(hours=23 - number) for number in range(24))
        return Period(name, "hour", hours, last + timedelta(hours=1))
    end = _midnight(until) + timedelta(days=1)
    if name == "year":
        months = [_month(until, back) for back in range(11, -1, -1)]
        return Period(name, "month", tuple(months), end)
    count = DAYS[name]
    return Period(name, "day", tuple(end - timedelta(days=back) for back in range(count, 0, -1)), end)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _month(until: date, back: int) -> datetime:
    number = until.year * 12 + until.month - 1 - back
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
