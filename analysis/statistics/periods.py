"""The time that figures are about: the last day by hours, a week or a month by days, a year by months. All of UTC."""

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
    """`starts` are those of its steps, in order; `end` is that of the last, and excluded."""

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
        """As long a time, just before."""
        last = self.start - timedelta(microseconds=1)
        return period(self.name, until=last.date(), now=last)

    def days(self, start: datetime) -> tuple[date, date]:
        """The first and the last day of one of its steps; of an hour, the day that it is in."""
        later = [each for each in (*self.starts, self.end) if each > start]
        return start.date(), start.date() if self.is_hourly else (later[0] - timedelta(microseconds=1)).date()

    def term(self, start: datetime | None = None) -> str:
        """The search for what was added in one of its steps, or in all of it, by days."""
        if start is None:
            return f"added:{self.start.date()}..{self.last_day}"
        return f"added:{start:%Y-%m}" if self.unit == "month" else f"added:{start:%Y-%m-%d}"


def period(name: PeriodName, *, until: date, now: datetime) -> Period:
    """The time up to a day, that included; a day is the last 24 hours, whatever `until` says."""
    if name == "day":
        last = now.replace(minute=0, second=0, microsecond=0)
        hours = tuple(last - timedelta(hours=23 - number) for number in range(24))
        return Period(name, "hour", hours, last + timedelta(hours=1))
    end = _midnight(until) + timedelta(days=1)
    if name == "year":
        months = [_month(until, back) for back in range(11, -1, -1)]
        return Period(name, "month", tuple(months), end)
    number = DAYS[name]
    return Period(name, "day", tuple(end - timedelta(days=number - place) for place in range(number)), end)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _month(until: date, back: int) -> datetime:
    number = until.year * 12 + until.month - 1 - back
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
