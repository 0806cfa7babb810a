"""Terms from tokens of the grammar. All functions raise InvalidQuery."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from django.utils.translation import gettext as _
from lark import Token

from analysis.search.errors import InvalidQuery, InvalidValue, excerpt
from analysis.search.query import SORTS
from analysis.search.terms import BY_FIELD, COMPARABLE, CountTerm, DateTerm, FaceTerm, LabelTerm, Term, Value
from analysis.search.terms.base import choice

T = TypeVar("T")
PREFIXES = ("PREFIX", "QUOTED_PREFIX")
FIELDS = (*BY_FIELD, "sort")


def column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def error_at(token: Token, message: str) -> InvalidQuery:
    return InvalidQuery(message, column=column(token))


def label(token: Token) -> LabelTerm:
    """`dog` and `dog*`."""
    value = _value(token, takes_prefix=True)
    # `age:20 .. 30` is read as a term and two labels.
    if token.type == "WORD" and value.text.startswith(".."):
        raise error_at(token, _("Write ranges without spaces, for example age:20..30."))
    return LabelTerm.parse("", "", value)


def compared(name: Token, sign: Token, value: Token) -> Term:
    """`dog>=90` and `width>=4000`. A field's name in quotes is a label."""
    if name.type == "WORD" and name.lower() in COMPARABLE:
        return _term(name.lower(), sign, value)
    return _with_minimum(label(name), sign, value)


def field(token: Token, sign: Token | None, value: Token) -> Term:
    """`tag:summer`, and with a sign `width:>=4000`."""
    name = field_name(token)
    if sign is not None and name not in COMPARABLE:
        message = _("%(field)s: does not support comparisons; write %(field)s:value.")
        raise error_at(sign, message % {"field": name})
    return _term(name, sign or "", value)


def label_with_confidence(token: Token, value: Token, sign: Token, minimum: Token) -> LabelTerm:
    """`tag:summer>=90`."""
    term = field(token, None, value)
    if not isinstance(term, LabelTerm):
        message = _("Only labels have a confidence; %(field)s: does not support comparisons.")
        raise error_at(sign, message % {"field": field_name(token)})
    return _with_minimum(term, sign, minimum)


def instance_count(name: Token, sign: str, number: Token) -> CountTerm:
    """`count(person)>=3`."""
    term = _read(number, lambda value: CountTerm.parse(_value(name).text, sign, value))
    return replace(term, is_exact=_value(name).is_quoted)


def face(opening: Token, contents: Iterable[str | FaceTerm]) -> FaceTerm:
    """`face(smile age:20..30)`: names of traits, and the age as a separate FaceTerm."""
    contents = list(contents)
    ages = [item for item in contents if isinstance(item, FaceTerm)]
    if len(ages) > 1:
        raise error_at(
            opening, _("A face has only one age; write both limits as a range, for example face(age:20..30).")
        )
    low, high = (ages[0].age_low, ages[0].age_high) if ages else (None, None)
    return FaceTerm(tuple(dict.fromkeys(item for item in contents if isinstance(item, str))), low, high)


def trait(token: Token) -> str:
    return _value(token).text


def age(token: Token, sign: str, value: Token) -> Term:
    """The age within `face(...)`."""
    name = field_name(token) if token.type == "FIELD" else token.lower()
    if name != "age" or token.type not in {"FIELD", "WORD"}:
        raise error_at(token, _("face(…) accepts traits and an age, for example face(smile age:20..30)."))
    return _term(name, sign, value)


def relative_date(token: Token) -> Term:
    """`taken:last 7 days` without quotes, which is one token."""
    name, _colon, period = token.partition(":")
    try:
        return DateTerm.parse(name.lower(), "", Value(period.strip()))
    except InvalidValue as error:
        raise error_at(token, str(error)) from error


def place(token: Token) -> Term:
    """`near:-33.9,151.2` without quotes, though words don't begin with a minus."""
    name, _colon, degrees = token.partition(":")
    try:
        return BY_FIELD[name.lower()].parse(name.lower(), "", Value(degrees.strip()))
    except InvalidValue as error:
        raise error_at(token, str(error)) from error


def sort(token: Token) -> str:
    return _read(token, lambda value: choice("sort", value.text, SORTS))


def field_name(token: Token) -> str:
    name = token[:-1].lower()
    if name in FIELDS:
        return name
    if similar := get_close_matches(name, FIELDS, n=1):
        message = _("Unknown field “%(field)s:”. Did you mean “%(suggestion)s:”?")
        raise error_at(token, message % {"field": excerpt(name), "suggestion": similar[0]})
    message = _("Unknown field “%(field)s:”. If the colon is part of a label, put the label in quotes.")
    raise error_at(token, message % {"field": excerpt(name)})


def _term(name: str, sign: str, token: Token) -> Term:
    kind = BY_FIELD[name]
    return _read(token, lambda value: kind.parse(name, str(sign), value), takes_prefix=kind.takes_prefix)


def _with_minimum(term: LabelTerm, sign: Token, minimum: Token) -> LabelTerm:
    if sign != ">=":
        raise error_at(sign, _("Use >= for a label's confidence, for example dog>=90."))
    return _read(minimum, lambda value: term.with_minimum(value.text))


def _value(token: Token, *, takes_prefix: bool = False) -> Value:
    """A word or phrase without its quotes, its asterisk and repeated spaces."""
    is_prefix, is_quoted = token.type in PREFIXES, token.type.startswith("QUOTED")
    if is_prefix and not takes_prefix:
        raise error_at(token, _("Only labels can end in *, for example dog* or tag:sum*."))
    text = str(token).removesuffix("*") if is_prefix else str(token)
    if is_quoted:
        text = " ".join(re.sub(r'\\(["\\])', r"\1", text[1:-1]).split())
        if not text:
            raise error_at(token, _("There is nothing between these quotes."))
    return Value(text, is_prefix, is_quoted)


def _read(token: Token, read: Callable[[Value], T], *, takes_prefix: bool = False) -> T:
    value = _value(token, takes_prefix=takes_prefix)
    try:
        return read(value)
    except InvalidValue as error:
        raise error_at(token, str(error)) from error
