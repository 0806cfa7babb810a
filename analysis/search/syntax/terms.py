"""Nodes of the syntax tree from tokens. All functions raise InvalidQuery."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from lark import Token

from analysis.search.nodes import (
    COMPARABLE_FIELDS,
    CategoryTerm,
    CountTerm,
    DateTerm,
    FaceTerm,
    FieldTerm,
    HasTerm,
    LabelTerm,
    Leaf,
    ModelTerm,
    OrientationTerm,
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)
from analysis.search.syntax.errors import InvalidQuery, InvalidValue
from analysis.search.syntax.fields import AGES, CHOICES, CONFIDENCE, FIELDS, INSTANCES, SCALES
from analysis.search.syntax.ranges import DAYS, bounds, relative_period

PREFIXES = ("PREFIX", "QUOTED_PREFIX")
MAX_EXCERPT = 40


def column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def error_at(token: Token, message: str) -> InvalidQuery:
    return InvalidQuery(message, column=column(token))


def label(token: Token, *, kind: str = "", sign: Token | None = None, value: Token | None = None) -> LabelTerm:
    """`dog`, `dog*`, and with a sign and a value `dog>=90`."""
    name = _text(token)
    # `age:20 .. 30` is read as a term and two labels.
    if token.type == "WORD" and name.startswith(".."):
        raise error_at(token, _("Write ranges without spaces, for example age:20..30."))
    minimum = 0.0
    if sign is not None and value is not None:
        if sign != ">=":
            raise error_at(sign, _("Use >= for a label's confidence, for example dog>=90."))
        minimum = _read(value, lambda text: CONFIDENCE.span(text)[0])
    return LabelTerm(name, kind, minimum, is_prefix=token.type in PREFIXES)


def compared(name: Token, sign: Token, value: Token) -> Leaf:
    """`dog>=90` and `width>=4000`. A field's name in quotes is a label."""
    field = str(name).lower()
    if name.type == "WORD" and field in COMPARABLE_FIELDS:
        return _comparable(field, str(sign), value)
    return label(name, sign=sign, value=value)


def field(token: Token, sign: Token | None, value: Token) -> Leaf:
    """`tag:summer`, and with a sign `width:>=4000`."""
    name = field_name(token)
    if name in COMPARABLE_FIELDS:
        return _comparable(name, str(sign or ""), value)
    if sign is not None:
        message = _("%(field)s: does not support comparisons; write %(field)s:value.")
        raise error_at(sign, message % {"field": name})
    if name in LabelTerm.KINDS:
        return label(value, kind=name)
    text = _exact_text(value)
    if name in CHOICES:
        return _CHOICE_TERMS[name](choice(name, value))
    if name in FieldTerm.FIELDS:
        return FieldTerm(name, text)
    return SimilarTerm(_image_id(value)) if name == "like" else _TEXT_TERMS[name](text)


def label_with_confidence(token: Token, value: Token, sign: Token, minimum: Token) -> LabelTerm:
    """`tag:summer>=90`."""
    name = field_name(token)
    if name not in LabelTerm.KINDS:
        message = _("Only labels have a confidence; %(field)s: does not support comparisons.")
        raise error_at(sign, message % {"field": name})
    return label(value, kind=name, sign=sign, value=minimum)


def instance_count(name: Token, sign: str, number: Token) -> CountTerm:
    """`count(person)>=3`."""
    low, high = _read(number, lambda text: bounds(INSTANCES, sign, text))
    return CountTerm(_exact_text(name), low or 0, high)


def face(opening: Token, contents: Iterable[str | FaceTerm]) -> FaceTerm:
    """`face(smile age:20..30)`: names of traits, and the age as a FaceTerm of its own."""
    traits, ages = dict[str, None](), list[FaceTerm]()
    for item in contents:
        if isinstance(item, FaceTerm):
            ages.append(item)
        else:
            traits[item] = None
    if len(ages) > 1:
        raise error_at(
            opening, _("A face has only one age; write both limits as a range, for example face(age:20..30).")
        )
    low, high = (ages[0].age_low, ages[0].age_high) if ages else (None, None)
    return FaceTerm(tuple(traits), low, high)


def trait(token: Token) -> str:
    return _exact_text(token)


def age(token: Token, sign: str, value: Token) -> FaceTerm:
    """The age within `face(...)`."""
    name = field_name(token) if token.type == "FIELD" else str(token).lower()
    if name != "age" or token.type not in {"FIELD", "WORD"}:
        raise error_at(token, _("face(…) accepts traits and an age, for example face(smile age:20..30)."))
    return FaceTerm((), *_read(value, lambda text: bounds(AGES, sign, text)))


def relative_date(token: Token) -> RelativeDateTerm:
    """`taken:last 7 days` without quotes, which is one token."""
    name, _colon, period = token.partition(":")
    return _relative_date(name.lower(), token, period.strip()) or RelativeDateTerm(name, 1, "day")


def choice(field: str, value: Token) -> str:
    """One of the words that a field accepts."""
    text = _exact_text(value).lower()
    if text in CHOICES[field]:
        return text
    values = {"field": field, "choices": get_text_list(list(CHOICES[field])), "value": excerpt(text)}
    if similar := get_close_matches(text, CHOICES[field], n=1):
        message = _("%(field)s: accepts %(choices)s, not “%(value)s”. Did you mean “%(suggestion)s”?")
        raise error_at(value, message % {**values, "suggestion": similar[0]})
    raise error_at(value, _("%(field)s: accepts %(choices)s, not “%(value)s”.") % values)


def field_name(token: Token) -> str:
    name = token[:-1].lower()
    if name in FIELDS:
        return name
    if similar := get_close_matches(name, FIELDS, n=1):
        message = _("Unknown field “%(field)s:”. Did you mean “%(suggestion)s:”?")
        raise error_at(token, message % {"field": excerpt(name), "suggestion": similar[0]})
    message = _("Unknown field “%(field)s:”. If the colon is part of a label, put the label in quotes.")
    raise error_at(token, message % {"field": excerpt(name)})


def excerpt(text: str) -> str:
    return text if len(text) <= MAX_EXCERPT else f"{text[: MAX_EXCERPT - 1]}…"


def _text(token: Token) -> str:
    """A word or phrase without its quotes, its asterisk and repeated spaces."""
    text = str(token).removesuffix("*") if token.type in PREFIXES else str(token)
    if token.type.startswith("QUOTED"):
        text = " ".join(re.sub(r'\\(["\\])', r"\1", text[1:-1]).split())
        if not text:
            raise error_at(token, _("There is nothing between these quotes."))
    return text


def _exact_text(token: Token) -> str:
    if token.type in PREFIXES:
        raise error_at(token, _("Only labels can end in *, for example dog* or tag:sum*."))
    return _text(token)


def _comparable(field: str, sign: str, value: Token) -> Leaf:
    if field == "age":
        return FaceTerm((), *_read(value, lambda text: bounds(AGES, sign, text)))
    if field in DateTerm.FIELDS:
        relative = _relative_date(field, value, _exact_text(value)) if sign in {"", "="} else None
        return relative or DateTerm(field, *_read(value, lambda text: bounds(DAYS, sign, text)))
    return RangeTerm(field, *_read(value, lambda text: bounds(SCALES[field], sign, text)))


def _relative_date(field: str, token: Token, text: str) -> RelativeDateTerm | None:
    try:
        period = relative_period(text)
    except InvalidValue as error:
        raise error_at(token, str(error)) from error
    return RelativeDateTerm(field, *period) if period else None


def _image_id(value: Token) -> int:
    text = _exact_text(value)
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise error_at(value, _("Expected the number of a picture, for example like:123."))
    return int(text)


def _read(token: Token, read: Callable[[str], Any]) -> Any:
    text = _exact_text(token)
    try:
        return read(text)
    except InvalidValue as error:
        raise error_at(token, str(error)) from error


_CHOICE_TERMS: dict[str, Callable[[str], Leaf]] = {
    "is": StateTerm,
    "has": HasTerm,
    "by": SourceTerm,
    "orientation": OrientationTerm,
}
_TEXT_TERMS: dict[str, Callable[[str], Leaf]] = {"category": CategoryTerm, "text": TextTerm, "model": ModelTerm}
