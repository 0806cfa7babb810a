"""Terms of a search in the reader's language, for filter chips and headings."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from django.utils.dateformat import format as formatted_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis import formatting
from analysis.search.literals import number_literal
from analysis.search.nodes import (
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

_NAMES = {
    "label": gettext_lazy("label"),
    "tag": gettext_lazy("tag"),
    "celebrity": gettext_lazy("celebrity"),
    "emotion": gettext_lazy("emotion"),
    "face": gettext_lazy("face"),
    "color": gettext_lazy("color"),
    "moderation": gettext_lazy("moderation"),
    "name": gettext_lazy("name"),
    "owner": gettext_lazy("owner"),
    "bucket": gettext_lazy("bucket"),
    "format": gettext_lazy("format"),
    "camera": gettext_lazy("camera"),
    "size": gettext_lazy("size"),
    "width": gettext_lazy("width"),
    "height": gettext_lazy("height"),
    "rating": gettext_lazy("rating"),
    "quality": gettext_lazy("quality"),
    "brightness": gettext_lazy("brightness"),
    "sharpness": gettext_lazy("sharpness"),
    "contrast": gettext_lazy("contrast"),
    "taken": gettext_lazy("taken"),
    "added": gettext_lazy("added"),
    "landscape": gettext_lazy("landscape"),
    "portrait": gettext_lazy("portrait"),
    "square": gettext_lazy("square"),
}
_STATES = {
    "favorite": gettext_lazy("favorite"),
    "untagged": gettext_lazy("untagged"),
    "failed": gettext_lazy("failed"),
    "pending": gettext_lazy("being analyzed"),
    "reviewed": gettext_lazy("reviewed"),
    "private": gettext_lazy("private"),
    "shared": gettext_lazy("shared"),
    "public": gettext_lazy("public"),
    "trashed": gettext_lazy("in the trash"),
    "duplicate": gettext_lazy("duplicate"),
}
_FEATURES = {
    "faces": gettext_lazy("has faces"),
    "text": gettext_lazy("has text"),
    "location": gettext_lazy("has a location"),
    "labels": gettext_lazy("has labels"),
}
_SOURCES = {
    "rekognition": gettext_lazy("analyzed by Rekognition"),
    "local": gettext_lazy("analyzed by the local recognizer"),
    "simulator": gettext_lazy("analyzed by the simulator"),
    "person": gettext_lazy("confirmed by a person"),
    "file": gettext_lazy("with keywords in its file"),
}


def describe(part: Node) -> str:
    """For example "dog ≥ 90 %", "not dog", "dog or cat", "face: smile, age 20–30"."""
    return _DESCRIPTIONS[type(part)](part)


def _grouped(part: Node) -> str:
    return f"({describe(part)})" if isinstance(part, And | Or) else describe(part)


def _label(part: LabelTerm) -> str:
    name = f"{part.name}…" if part.is_prefix else part.name
    if part.kind:
        name = _("%(field)s: %(value)s") % {"field": _NAMES[part.kind], "value": name}
    if part.minimum:
        return _("%(label)s ≥ %(minimum)s %%") % {"label": name, "minimum": number_literal(part.minimum)}
    return name


def _count(part: CountTerm) -> str:
    values = {"label": part.name, "number": formatting.count(part.minimum)}
    if part.minimum == 0 and part.maximum is not None:
        if part.maximum == 0:
            return _("no %(label)s") % values
        return _("at most %(number)s × %(label)s") % {**values, "number": formatting.count(part.maximum)}
    if part.maximum is None:
        return _("at least %(number)s × %(label)s") % values
    return f"{_range(part.minimum, part.maximum, formatting.count)} × {part.name}"


def _face(part: FaceTerm) -> str:
    return _("face: %(traits)s") % {"traits": ", ".join([*part.traits, *_age(part.age_low, part.age_high)])}


def _age(low: int | None, high: int | None) -> list[str]:
    if low is not None and high is not None:
        return [_("age %(range)s") % {"range": _range(low, high, str)}]
    if low is not None:
        return [_("age %(age)s or older") % {"age": low}]
    return [] if high is None else [_("age %(age)s or younger") % {"age": high}]


def _field(part: FieldTerm) -> str:
    values = {"field": _NAMES[part.field], "value": part.text}
    if part.field in {"owner", "format"}:
        return _("%(field)s: %(value)s") % values
    return _("%(field)s contains %(value)s") % values


def _number_range(part: RangeTerm) -> str:
    write = _number_writer(part.field)
    if part.low is not None and part.high is not None:
        return f"{_NAMES[part.field]} {_range(part.low, part.high, write)}{_unit(part.field)}"
    sign, bound = ("≥", part.low) if part.low is not None else ("≤", part.high or 0)
    return f"{_NAMES[part.field]} {sign} {write(bound)}{_unit(part.field)}"


def _unit(field: str) -> str:
    return " px" if field in {"width", "height"} else ""


def _number_writer(field: str) -> Callable[[float], str]:
    if field == "size":
        return formatting.filesize
    return (lambda number: formatting.count(int(number))) if field in {"width", "height"} else number_literal


def _range(low: Any, high: Any, write: Callable[[Any], str]) -> str:
    return write(low) if low == high else f"{write(low)}–{write(high)}"


def _dates(part: DateTerm) -> str:
    first, last = part.first, part.last
    values = {"field": _NAMES[part.field], "first": first and _start(first), "last": _end(last or date.max)}
    if first is None:
        return _("%(field)s until %(last)s") % values
    if last is None:
        return _("%(field)s since %(first)s") % values
    if first == last:
        return _("%(field)s on %(day)s") % {**values, "day": _day(first)}
    if period := _period(first, last):
        return _("%(field)s in %(period)s") % {**values, "period": period}
    return _("%(field)s from %(first)s to %(last)s") % values


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


def _relative_date(part: RelativeDateTerm) -> str:
    number = part.number
    message = {
        "today": _("%(field)s today"),
        "yesterday": _("%(field)s yesterday"),
        "day": ngettext("%(field)s in the last day", "%(field)s in the last %(number)s days", number),
        "week": ngettext("%(field)s in the last week", "%(field)s in the last %(number)s weeks", number),
        "month": ngettext("%(field)s in the last month", "%(field)s in the last %(number)s months", number),
        "year": ngettext("%(field)s in the last year", "%(field)s in the last %(number)s years", number),
    }[part.unit]
    return message % {"field": _NAMES[part.field], "number": formatting.count(number)}


def _joined(part: And | Or) -> str:
    word = _(" and ") if isinstance(part, And) else _(" or ")
    return word.join(map(_grouped, part.parts))


_DESCRIPTIONS: dict[type, Callable[[Any], str]] = {
    Not: lambda part: _("not %(term)s") % {"term": _grouped(part.part)},
    And: _joined,
    Or: _joined,
    LabelTerm: _label,
    CategoryTerm: lambda part: _("category: %(name)s") % {"name": part.name},
    CountTerm: _count,
    FaceTerm: _face,
    TextTerm: lambda part: _("text “%(text)s”") % {"text": part.text},
    FieldTerm: _field,
    RangeTerm: _number_range,
    DateTerm: _dates,
    RelativeDateTerm: _relative_date,
    OrientationTerm: lambda part: str(_NAMES[part.shape]),
    StateTerm: lambda part: str(_STATES[part.state]),
    HasTerm: lambda part: str(_FEATURES[part.feature]),
    SourceTerm: lambda part: str(_SOURCES[part.source]),
    ModelTerm: lambda part: _("model %(version)s") % {"version": part.version},
    SimilarTerm: lambda part: _("similar to picture %(number)s") % {"number": part.image_id},
}
