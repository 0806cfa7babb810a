"""The same day of every year: `day:today`, `day:05-31`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import ClassVar

from django.utils.dateformat import format as formatted_date
from django.utils.translation import gettext as _

from analysis.models.expressions import DayOfYear
from analysis.search.errors import InvalidValue
from analysis.search.sql.conditions import image_condition
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Resolution, Term, Value

# A year in which day:02-29 is a date, too.
LEAP_YEAR = 2000


@dataclass(frozen=True)
class DayTerm(Term):
    """Images taken on this day of any year; today in UTC without a month and a day.

    Images without a date taken are not among them.
    """

    fields = ("day",)
    suggestions: ClassVar = {"day": ("today",)}
    month: int = 0
    day: int = 0

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> DayTerm:
        if value.text.lower() == "today":
            return cls()
        match = re.fullmatch("([0-9]{1,2})-([0-9]{1,2})", value.text)
        try:
            day = date(LEAP_YEAR, int(match[1]), int(match[2])) if match else None
        except ValueError:
            day = None
        if day is None:
            raise InvalidValue(_("Expected today or a month and a day, for example day:05-31."))
        return cls(day.month, day.day)

    def write(self) -> str:
        return f"day:{self.month:02}-{self.day:02}" if self.month else "day:today"

    def describe(self) -> str:
        if not self.month:
            return _("taken on this day in any year")
        day = formatted_date(datetime.combine(date(LEAP_YEAR, self.month, self.day), time()), "F j")
        return _("taken on %(day)s in any year") % {"day": day}

    def condition(self, resolved: Resolution) -> Sql:
        return image_condition(f"coalesce({_column('taken_at')} = %s, false)", self._number(resolved))

    def image_filter(self, resolved: Resolution) -> Sql | None:
        return Sql(f"{_column('i.taken_at')} = %s AND i.taken_at IS NOT NULL", (self._number(resolved),))

    def _number(self, resolved: Resolution) -> int:
        """The day as the index has it."""
        today = resolved.moment.astimezone(UTC)
        return self.month * 100 + self.day if self.month else today.month * 100 + today.day


def _column(name: str) -> str:
    return DayOfYear.template % {"expressions": name}
