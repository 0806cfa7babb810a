"""What each field of a search takes, and the part of the tree that it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from lark import Token

from analysis.search.query import (
    SORTS,
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
from analysis.search.syntax import ranges
from analysis.search.syntax.ranges import InvalidQuery, InvalidValue, bounds, integer, percent

KINDS = ("label", "tag", "celebrity", "emotion", "face", "color", "moderation")
MATCHED = ("name", "owner", "bucket", "format", "camera")
SHAPES = ("landscape", "portrait", "square")
CHOICES = {"is": StateTerm.STATES, "has": HasTerm.THINGS, "by": SourceTerm.WHO, "orientation": SHAPES, "sort": SORTS}
"""The fields that take one of a few words."""
SCALES: dict[str, ranges.Scale[Any]] = {
    "size": ranges.SIZE,
    "width": integer(name="A width", example="width>=4000", minimum=0, maximum=1_000_000),
    "height": integer(name="A height", example="height>=3000", minimum=0, maximum=1_000_000),
    "rating": integer(name="A rating", example="rating>=4", minimum=1, maximum=5),
    **{
        field: percent(name=f"The {field}", example=f"{field}>=70")
        for field in ("quality", "brightness", "sharpness", "contrast")
    },
}
DATES = ("taken", "added")
COMPARABLE = (*SCALES, *DATES, "age")
"""The fields that may stand right before a comparison: width>=4000."""
FIELDS = (*KINDS, "category", "text", *MATCHED, *COMPARABLE, *CHOICES, "model", "like")

AGES = integer(name="An age", example="age:20..30", minimum=0, maximum=150)
INSTANCES = integer(name="A number of instances", example="count(person)>=3", minimum=0, maximum=1_000_000)
CONFIDENCE = percent(name="A confidence", example="dog>=90")
PREFIXES = ("PREFIX", "QUOTED_PREFIX")


def column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def bad(token: Token, message: str) -> InvalidQuery:
    return InvalidQuery(message, column=column(token))


def said(token: Token) -> str:
    """A word or a phrase without its quotes, its asterisk and needless spaces."""
    text = str(token).removesuffix("*") if token.type in PREFIXES else str(token)
    if token.type.startswith("QUOTED"):
        text = " ".join(re.sub(r'\\(["\\])', r"\1", text[1:-1]).split())
        if not text:
            raise bad(token, "There is nothing between these quotes.")
    return text


def label(token: Token, *, kind: str = "", sign: Token | None = None, value: Token | None = None) -> LabelTerm:
    name = said(token)
    if token.type == "WORD" and name.startswith(".."):
        raise bad(token, "A range is written without spaces, as in age:20..30.")
    minimum = 0.0
    if sign is not None and value is not None:
        if sign != ">=":
            raise bad(sign, "Confidence is asked for with >= after a label, as in dog>=90.")
        minimum = _reading(value, lambda: CONFIDENCE.span(_exactly(value))[0])
    return LabelTerm(name, kind, minimum, is_prefix=token.type in PREFIXES)


def compared(name: Token, sign: Token, value: Token) -> Leaf:
    """`dog>=90` and `width>=4000`. In quotes a field's name is a label."""
    field = str(name).lower()
    if name.type == "WORD" and field in COMPARABLE:
        return _bounded(field, str(sign), value)
    return label(name, sign=sign, value=value)


def field(name: Token, sign: Token | None, value: Token) -> Leaf:
    """`tag:summer`, and with a sign `width:>=4000`."""
    which = known(name)
    if which in COMPARABLE:
        return _bounded(which, str(sign or ""), value)
    if sign is not None:
        raise bad(sign, f"Nothing is compared with {which}:; write {which}:value.")
    if which in KINDS:
        return label(value, kind=which)
    text = _exactly(value)
    if which in CHOICES:
        return _CHOSEN[which](chosen(which, value))
    if which in MATCHED:
        return FieldTerm(which, text)
    return _OTHERS[which](text) if which != "like" else SimilarTerm(_picture(value))


def sure(name: Token, value: Token, sign: Token, minimum: Token) -> LabelTerm:
    """`tag:summer>=90`."""
    which = known(name)
    if which not in KINDS:
        raise bad(sign, f"Only labels have a confidence; nothing is compared after {which}:.")
    return label(value, kind=which, sign=sign, value=minimum)


def counted(name: Token, sign: str, number: Token) -> CountTerm:
    low, high = _reading(number, lambda: bounds(INSTANCES, sign, _exactly(number)))
    return CountTerm(_exactly(name), low or 0, high)


def one_face(opening: Token, traits: Iterable[str | FaceTerm]) -> FaceTerm:
    """Of traits by name and an age."""
    several = list(traits)
    ages = [each for each in several if isinstance(each, FaceTerm)]
    if len(ages) > 1:
        raise bad(opening, "A face has one age; write both ends of it as in face(age:20..30).")
    names = tuple(dict.fromkeys(each for each in several if isinstance(each, str)))
    low, high = (ages[0].age_low, ages[0].age_high) if ages else (None, None)
    return FaceTerm(names, low, high)


def trait(token: Token) -> str:
    return _exactly(token)


def age(name: Token, sign: str, value: Token) -> FaceTerm:
    """The age among the traits of one face."""
    which = known(name) if name.type == "FIELD" else str(name).lower()
    if which != "age" or name.type not in {"FIELD", "WORD"}:
        raise bad(name, "face(…) takes what a face shows and its age, as in face(smile age:20..30).")
    return FaceTerm((), *_reading(value, lambda: bounds(AGES, sign, _exactly(value))))


def lately(token: Token) -> RelativeDateTerm:
    """`taken:last 7 days` without quotes, one token as a whole."""
    name, _, ago = token.partition(":")
    return _ago(name.lower(), token, ago.strip()) or RelativeDateTerm(name, 1, "day")


def chosen(which: str, value: Token) -> str:
    """One of the words that a field takes."""
    text = _exactly(value).lower()
    if text not in CHOICES[which]:
        near = get_close_matches(text, CHOICES[which], n=1)
        meant = f' (did you mean "{near[0]}"?)' if near else ""
        raise bad(value, f"{which}: takes {_listed(CHOICES[which])}, not “{shortened(text)}”{meant}.")
    return text


def known(name: Token) -> str:
    which = name[:-1].lower()
    if which not in FIELDS:
        near = get_close_matches(which, FIELDS, n=1)
        hint = f'did you mean "{near[0]}:"?' if near else "quote the label if the colon is a part of it."
        raise bad(name, f'There is no field "{shortened(which)}:"; {hint}')
    return which


def shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _bounded(field: str, sign: str, value: Token) -> Leaf:
    text = _exactly(value)
    if field == "age":
        return FaceTerm((), *_reading(value, lambda: bounds(AGES, sign, text)))
    if field in DATES:
        ago = _ago(field, value, text) if sign in {"", "="} else None
        return ago or DateTerm(field, *_reading(value, lambda: bounds(ranges.DAYS, sign, text)))
    return RangeTerm(field, *_reading(value, lambda: bounds(SCALES[field], sign, text)))


def _ago(field: str, token: Token, text: str) -> RelativeDateTerm | None:
    found = _reading(token, lambda: ranges.relative_period(text))
    return RelativeDateTerm(field, *found) if found else None


def _picture(value: Token) -> int:
    text = _exactly(value)
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise bad(value, "The number of a picture belongs here, as in like:123.")
    return int(text)


def _exactly(token: Token) -> str:
    if token.type in PREFIXES:
        raise bad(token, "Only labels are found by a beginning, as in dog* or tag:sum*.")
    return said(token)


def _reading(token: Token, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except InvalidValue as error:
        raise bad(token, str(error)) from error


def _listed(words: Iterable[str]) -> str:
    *maximum, last = words
    return f"{', '.join(maximum)} or {last}"


_CHOSEN: dict[str, Callable[[str], Leaf]] = {
    "is": StateTerm,
    "has": HasTerm,
    "by": SourceTerm,
    "orientation": OrientationTerm,
}
_OTHERS: dict[str, Callable[[str], Leaf]] = {"category": CategoryTerm, "text": TextTerm, "model": ModelTerm}
