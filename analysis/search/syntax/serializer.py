"""A query's way back: its one written form, which reads back as the same tree, and its parts in people's words."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from typing import Any

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
    Query,
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)
from analysis.search.syntax.descriptions import describe
from analysis.search.syntax.ranges import in_bytes, plain_number
from analysis.search.syntax.terms import COMPARABLE

__all__ = ["describe", "parentheses", "quoted", "serialize", "serialize_query"]

PLAIN = re.compile(r'(?!OR$|NOT$|AND$|\.\.)[^\s"()<>=:*-][^\s"()<>=:*]*')
"""What needs no quotes."""


def serialize_query(query: Query) -> str:
    several = len(query.parts) > 1
    words = [_within(part, Or) if several else serialize(part) for part in query.parts]
    return " ".join(words if query.sort == "newest" else [*words, f"sort:{query.sort}"])


def serialize(part: Node) -> str:
    """One part alone, as it is written in a search."""
    return _TEXTS[type(part)](part)


def parentheses(query: Query) -> int:
    """How deep they stand in one another in the written form."""
    several = len(query.parts) > 1
    return max((_depth(part) + (several and isinstance(part, Or)) for part in query.parts), default=0)


def quoted(name: str, *, before_comparison: bool = False) -> str:
    """A name as a word, or in quotes where it needs them."""
    if PLAIN.fullmatch(name) and not (before_comparison and name.lower() in COMPARABLE):
        return name
    return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", name))


def _within(part: Node, *kinds: type[And | Or]) -> str:
    text = serialize(part)
    return f"({text})" if isinstance(part, kinds) else text


def _depth(part: Node) -> int:
    match part:
        case Not(inner):
            return _depth(inner) + isinstance(inner, And | Or)
        case And(parts):
            return max(_depth(each) + isinstance(each, Or) for each in parts)
        case Or(parts):
            return max(_depth(each) + isinstance(each, And) for each in parts)
    return 0


def _label(part: LabelTerm) -> str:
    name = quoted(part.name, before_comparison=part.minimum > 0 and not part.is_prefix and not part.kind)
    field = f"{part.kind}:" if part.kind else ""
    return f"{field}{name}{'*' if part.is_prefix else ''}{f'>={plain_number(part.minimum)}' if part.minimum else ''}"


def _counted(part: CountTerm) -> str:
    if part.minimum == 0 and part.maximum is not None:
        return f"count({quoted(part.name)})<={part.maximum}"
    return f"count({quoted(part.name)}){_bounds(part.minimum, part.maximum, str, exactly='=')}"


def _face(part: FaceTerm) -> str:
    has_age = (part.age_low, part.age_high) != (None, None)
    age = f"age{_bounds(part.age_low, part.age_high, str)}" if has_age else ""
    if not part.traits:
        return age
    return f"face({' '.join([*map(quoted, part.traits), *([age] if age else [])])})"


def _bounds(low: Any, high: Any, write: Callable[[Any], str], *, exactly: str = ":") -> str:
    """`>=1`, `<=2`, `:1..2` or `:1`."""
    if high is None:
        return f">={write(low)}"
    if low is None:
        return f"<={write(high)}"
    return f"{exactly}{write(low)}" if low == high else f"{exactly}{write(low)}..{write(high)}"


def _measured(part: RangeTerm) -> str:
    if part.field == "size":
        return _size(part.low, part.high)
    return f"{part.field}{_bounds(part.low, part.high, plain_number)}"


def _size(low: float | None, high: float | None) -> str:
    """`size>5MB` rather than `size>=5000001`."""
    if low is not None and high is not None:
        return f"size{_bounds(low, high, in_bytes)}"
    bound, beyond, sign = (low, low - 1, ">") if low is not None else (high or 0, (high or 0) + 1, "<")
    is_rounder = beyond > 0 and in_bytes(beyond).endswith("B") and not in_bytes(bound).endswith("B")
    return f"size{sign}{in_bytes(beyond)}" if is_rounder else f"size{sign}={in_bytes(bound)}"


def _between(part: DateTerm) -> str:
    first, last = part.first, part.last
    if first and last:
        if one := _one_period(first, last):
            return f"{part.field}:{one}"
        return f"{part.field}:{_start(first)}..{_end(last)}"
    return f"{part.field}>={_start(first)}" if first else f"{part.field}<={_end(last or date.max)}"


def _ago(part: RelativeDateTerm) -> str:
    if part.unit in RelativeDateTerm.NAMED:
        return part.unit
    return f"last-{part.number}-{part.unit}{'s' if part.number > 1 else ''}"


def _one_period(first: date, last: date) -> str:
    return _start(first) if _start(first) == _end(last) else first.isoformat() if first == last else ""


def _start(day: date) -> str:
    """The longest period that begins so."""
    return day.isoformat()[: 4 if (day.month, day.day) == (1, 1) else 7 if day.day == 1 else 10]


def _end(day: date) -> str:
    if (day.month, day.day) == (12, 31):
        return day.isoformat()[:4]
    return day.isoformat()[: 7 if day.day == monthrange(day.year, day.month)[1] else 10]


def _joined(word: str, kind: type[And | Or]) -> Callable[[Any], str]:
    def write(part: And | Or) -> str:
        return word.join(_within(each, kind) for each in part.parts)

    return write


_TEXTS: dict[type, Callable[[Any], str]] = {
    Not: lambda part: f"-{_within(part.part, And, Or)}",
    And: _joined(" ", Or),
    Or: _joined(" OR ", And),
    LabelTerm: _label,
    CategoryTerm: lambda part: f"category:{quoted(part.name)}",
    CountTerm: _counted,
    FaceTerm: _face,
    TextTerm: lambda part: f"text:{quoted(part.text)}",
    FieldTerm: lambda part: f"{part.field}:{quoted(part.text)}",
    RangeTerm: _measured,
    DateTerm: _between,
    RelativeDateTerm: lambda part: f"{part.field}:{_ago(part)}",
    OrientationTerm: lambda part: f"orientation:{part.shape}",
    StateTerm: lambda part: f"is:{part.state}",
    HasTerm: lambda part: f"has:{part.thing}",
    SourceTerm: lambda part: f"by:{part.who}",
    ModelTerm: lambda part: f"model:{quoted(part.version)}",
    SimilarTerm: lambda part: f"like:{part.image_id}",
}
