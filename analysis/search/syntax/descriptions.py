"""A part of a search in people's words, for chips and headings."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date
from typing import Any

from analysis import formatting
from analysis.search.query import (
    And,
    CategoryTerm,
    CountTerm,
    DateTerm,
    FaceTerm,
    FieldTerm,
    HasTerm,
    LabelTerm,
    ModelTerm,
    Node,
    Not,
    Or,
    OrientationTerm,
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)
from analysis.search.syntax.ranges import plain_number


def describe(part: Node) -> str:
    """As in "dog ≥ 90 %", "not dog", "dog or cat", "a face: smile, 20–30 years"."""
    return _WORDS[type(part)](part)


def _grouped(part: Node) -> str:
    return f"({describe(part)})" if isinstance(part, And | Or) else describe(part)


def _label(part: LabelTerm) -> str:
    kind = f"{part.kind}: " if part.kind else ""
    minimum = f" ≥ {plain_number(part.minimum)} %" if part.minimum else ""
    return f"{kind}{part.name}{'…' if part.is_prefix else ''}{minimum}"


def _counted(part: CountTerm) -> str:
    if part.minimum == 0 and part.maximum is not None:
        return f"at most {part.maximum:,} × {part.name}" if part.maximum else f"no {part.name}"
    if part.maximum is None:
        return f"at least {part.minimum:,} × {part.name}"
    return f"{_range(part.minimum, part.maximum, lambda number: f'{number:,}')} × {part.name}"


def _face(part: FaceTerm) -> str:
    return f"a face: {', '.join([*part.traits, *_age(part.age_low, part.age_high)])}"


def _age(low: int | None, high: int | None) -> list[str]:
    if low is not None and high is not None:
        return [f"{_range(low, high, str)} years"]
    if low is not None:
        return [f"{low} years or older"]
    return [] if high is None else [f"up to {high} years"]


def _measured(part: RangeTerm) -> str:
    write = _written(part.field)
    unit = " px" if part.field in {"width", "height"} else ""
    if part.low is not None and part.high is not None:
        return f"{part.field} {_range(part.low, part.high, write)}{unit}"
    if part.low is not None:
        return f"{part.field} ≥ {write(part.low)}{unit}"
    return f"{part.field} ≤ {write(part.high or 0)}{unit}"


def _written(field: str) -> Callable[[float], str]:
    if field == "size":
        return formatting.filesize
    return (lambda number: f"{int(number):,}") if field in {"width", "height"} else plain_number


def _range(low: Any, high: Any, write: Callable[[Any], str]) -> str:
    return write(low) if low == high else f"{write(low)}–{write(high)}"


def _between(part: DateTerm) -> str:
    first, last = part.first, part.last
    if first and last:
        if one := _period(first, last):
            return f"{part.field} {'on' if first == last else 'in'} {one}"
        return f"{part.field} {_start(first)} to {_end(last)}"
    return f"{part.field} since {_start(first)}" if first else f"{part.field} until {_end(last or date.max)}"


def _period(first: date, last: date) -> str:
    """The one day, month or year that this is."""
    if first == last:
        return _day(first)
    if (first.year, first.month, first.day, last.month, last.day) == (last.year, 1, 1, 12, 31):
        return f"{first.year}"
    is_month = (first.year, first.month, first.day) == (last.year, last.month, 1) and _is_last(last)
    return f"{first:%B} {first.year}" if is_month else ""


def _start(day: date) -> str:
    if day.day > 1:
        return _day(day)
    return f"{day.year}" if day.month == 1 else f"{day:%B} {day.year}"


def _end(day: date) -> str:
    if not _is_last(day):
        return _day(day)
    return f"{day.year}" if day.month == 12 else f"{day:%B} {day.year}"


def _is_last(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]


def _day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _lately(part: RelativeDateTerm) -> str:
    if part.unit in RelativeDateTerm.NAMED:
        return f"{part.field} {part.unit}"
    return f"{part.field} in the last {part.unit if part.number == 1 else f'{part.number:,} {part.unit}s'}"


def _matches(part: FieldTerm) -> str:
    sign = ":" if part.field in {"owner", "format"} else " contains"
    return f"{part.field}{sign} {part.text}"


_STATES = {"trashed": "in the trash", "duplicate": "nearly the same as another", "pending": "being analyzed"}
_WORDS: dict[type, Callable[[Any], str]] = {
    Not: lambda part: f"not {_grouped(part.part)}",
    And: lambda part: " and ".join(map(_grouped, part.parts)),
    Or: lambda part: " or ".join(map(_grouped, part.parts)),
    LabelTerm: _label,
    CategoryTerm: lambda part: f"category: {part.name}",
    CountTerm: _counted,
    FaceTerm: _face,
    TextTerm: lambda part: f"says “{part.text}”",
    FieldTerm: _matches,
    RangeTerm: _measured,
    DateTerm: _between,
    RelativeDateTerm: _lately,
    OrientationTerm: lambda part: str(part.shape),
    StateTerm: lambda part: _STATES.get(part.state, part.state),
    HasTerm: lambda part: f"has {part.thing}",
    SourceTerm: lambda part: "by a person" if part.who == "person" else f"by {part.who.capitalize()}",
    ModelTerm: lambda part: f"model {part.version}",
    SimilarTerm: lambda part: f"like picture {part.image_id}",
}
