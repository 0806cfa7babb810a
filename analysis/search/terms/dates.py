"""Dates taken and added: `taken:2024-05`, `added:last 7 days`."""

from __future__ import annotations

from abc import abstractmethod
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from django.utils.dateformat import format as formatted_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis import formatting
from analysis.models.expressions import DateTaken
from analysis.search.literals import date_range_literal
from analysis.search.pagination import UNDATED
from analysis.search.ranges import DAYS, bounds, relative_period
from analysis.search.sql.conditions import image_condition
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Resolution, Term, Value

Span = tuple[datetime | None, datetime | None]
DAYS_BY_UNIT = {"day": 1, "week": 7, "month": 30, "year": 365}
FIELD_NAMES = {"taken": gettext_lazy("taken"), "added": gettext_lazy("added")}
FIRST_TAKEN = UNDATED + timedelta(microseconds=1)
"""The least date that an image can have; those without one have a sort key before it."""
COLUMNS = {"taken": DateTaken.template % {"expressions": "taken_at"}, "added": "added_at"}
INDEXED_COLUMNS = {"taken": DateTaken.template % {"expressions": "i.taken_at"}, "added": "i.added_at"}


@dataclass(frozen=True)
class SpanTerm(Term):
    """Images taken or added in a period.

    Images without a date taken match no period, so `-taken:2024` finds them.
    """

    field: str

    @abstractmethod
    def span(self, moment: datetime) -> Span:
        """The first moment, and the first one after the end; None is open.

        `moment` is now.
        """

    @property
    def subject(self) -> object:
        return self.field

    def condition(self, resolved: Resolution) -> Sql:
        test = _within(COLUMNS[self.field], self.dates(resolved))
        return image_condition(test.text, *test.values)

    def row_condition(self, resolved: Resolution) -> Sql | None:
        return _within("d.sort_time", self.dates(resolved)) if self.field == "taken" else None

    def image_filter(self, resolved: Resolution) -> Sql | None:
        return _within(INDEXED_COLUMNS[self.field], self.dates(resolved))

    def dates(self, resolved: Resolution) -> Span:
        """The span of sort keys, which leaves out images without a date taken."""
        since, before = self.span(resolved.moment)
        return (max(since or FIRST_TAKEN, FIRST_TAKEN) if self.field == "taken" else since), before


@dataclass(frozen=True)
class DateTerm(SpanTerm):
    """Images taken or added on these days in UTC, both included."""

    FIELDS: ClassVar = ("taken", "added")
    fields = FIELDS
    is_comparable = True
    suggestions: ClassVar = dict.fromkeys(FIELDS, ("today", "yesterday", "last-7-days", "last-30-days", "last-1-year"))
    first: date | None = None
    last: date | None = None

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> SpanTerm:
        """The term for a date or period; a RelativeDateTerm for `last-7-days`."""
        if sign in {"", "="} and (period := relative_period(value.text)):
            return RelativeDateTerm(field, *period)
        return cls(field, *bounds(DAYS, sign, value.text))

    def write(self) -> str:
        return f"{self.field}{date_range_literal(self.first, self.last)}"

    def describe(self) -> str:
        first, last = self.first, self.last
        values = {"field": FIELD_NAMES[self.field], "first": first and _start(first), "last": _end(last or date.max)}
        if first is None:
            return _("%(field)s until %(last)s") % values
        if last is None:
            return _("%(field)s since %(first)s") % values
        if first == last:
            return _("%(field)s on %(day)s") % {**values, "day": _day(first)}
        if period := _period(first, last):
            return _("%(field)s in %(period)s") % {**values, "period": period}
        return _("%(field)s from %(first)s to %(last)s") % values

    def span(self, moment: datetime) -> Span:
        after = self.last and self.last < date.max and self.last + timedelta(days=1)
        return _midnight(self.first) if self.first else None, _midnight(after) if after else None


@dataclass(frozen=True)
class RelativeDateTerm(SpanTerm):
    """Images taken or added in the last days, weeks, months or years.

    It stays relative in a saved search. The unit may also be "today" or "yesterday" in UTC, with the number 1.
    """

    NAMED_DAYS: ClassVar = ("today", "yesterday")
    number: int
    unit: str

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> SpanTerm:
        return DateTerm.parse(field, sign, value)

    def write(self) -> str:
        if self.unit in self.NAMED_DAYS:
            return f"{self.field}:{self.unit}"
        return f"{self.field}:last-{self.number}-{self.unit}{'s' if self.number > 1 else ''}"

    def describe(self) -> str:
        number = self.number
        message = {
            "today": _("%(field)s today"),
            "yesterday": _("%(field)s yesterday"),
            "day": ngettext("%(field)s in the last day", "%(field)s in the last %(number)s days", number),
            "week": ngettext("%(field)s in the last week", "%(field)s in the last %(number)s weeks", number),
            "month": ngettext("%(field)s in the last month", "%(field)s in the last %(number)s months", number),
            "year": ngettext("%(field)s in the last year", "%(field)s in the last %(number)s years", number),
        }[self.unit]
        return message % {"field": FIELD_NAMES[self.field], "number": formatting.count(number)}

    def span(self, moment: datetime) -> Span:
        if self.unit not in self.NAMED_DAYS:
            return moment - timedelta(days=self.number * DAYS_BY_UNIT[self.unit]), None
        day = moment.astimezone(UTC).date() - timedelta(days=self.NAMED_DAYS.index(self.unit))
        return _midnight(day), _midnight(day + timedelta(days=1))


def _within(column: str, span: Span) -> Sql:
    tests = {f"{column} {sign} %s": bound for sign, bound in zip((">=", "<"), span, strict=True) if bound}
    return Sql(" AND ".join(tests) or "true", tuple(tests.values()))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _period(first: date, last: date) -> str:
    """The month or year from the first to the last day, if it is one."""
    if (first.year, first.month, first.day, last.month, last.day) == (last.year, 1, 1, 12, 31):
        return f"{first.year}"
    is_month = (first.year, first.month, first.day) == (last.year, last.month, 1) and _is_last(last)
    return _month(first) if is_month else ""


def _start(day: date) -> str:
    if day.day > 1:
        return _day(day)
    return f"{day.year}" if day.month == 1 else _month(day)


def _end(day: date) -> str:
    if not _is_last(day):
        return _day(day)
    return f"{day.year}" if day.month == 12 else _month(day)


def _is_last(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]


def _day(day: date) -> str:
    return formatting.taken_day(datetime.combine(day, time()))


def _month(day: date) -> str:
    return formatted_date(day, "F Y")
