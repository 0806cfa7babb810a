"""What the list of pictures is asked for: the search box and the filters beside it, as one search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from analysis.models import Bucket, Image, Label, Viewer
from analysis.search.query import (
    SORTS,
    DateTerm,
    FieldTerm,
    HasTerm,
    LabelTerm,
    ModelTerm,
    Node,
    Not,
    Query,
    SourceTerm,
    StateTerm,
)
from analysis.search.syntax.parser import InvalidQuery, parse
from imagelib.accounts.models import User

ANYONE = Viewer(sees_all=True)
LABEL, OWNER, BUCKET = "image_labels__label__id__exact", "owner__id__exact", "bucket__id__exact"
LEAST, MOST = "confidence_from", "confidence_to"
SINCE, UNTIL = "added_at_from", "added_at_to"
STATES = ("pending", "failed", "untagged", "reviewed", "duplicate", "trashed")
VISIBILITY = tuple(name.lower() for name in Image.Visibility.names)


class InvalidFilter(ValueError):
    """A search or a filter that says nothing; says which and what to write instead."""


def image_query(given: Mapping[str, str]) -> Query:
    """Of the parameters of an address. Raises Misunderstood."""
    text = given.get("q", "").replace("\x00", " ")
    try:
        query = parse(text)
    except InvalidQuery as error:
        raise InvalidFilter(f"This search is not understood. Column {error.column}: {error}") from error
    parts = tuple(dict.fromkeys([*query.parts, *_filtered(given)]))
    sort = given.get("sort", "")
    if sort and sort not in SORTS:
        raise InvalidFilter(f"Pictures are not sorted by “{sort}”, but by {', '.join(SORTS)}.")
    return replace(query, parts=parts, sort=sort or query.sort)


def _filtered(given: Mapping[str, str]) -> Iterator[Node]:
    for name, read in _READ.items():
        if value := given.get(name, ""):
            yield read(value)
    low, high = _percent(given.get(LEAST, "")), _percent(given.get(MOST, ""))
    if number := given.get(LABEL, ""):
        yield from _labeled(number, low, high)
    elif low is not None or high is not None:
        raise InvalidFilter("Confidence is that of a label: choose the label, too.")
    since, until = _day(given.get(SINCE, "")), _day(given.get(UNTIL, ""))
    if since or until:
        yield DateTerm("added", since, until)


def _labeled(number: str, low: float | None, high: float | None) -> Iterator[Node]:
    label = Label.objects.filter(pk=_number(number, maximum=2**31 - 1)).first()
    if label is None:
        raise InvalidFilter("The label of this filter is not there any more.")
    yield LabelTerm(label.name, label.kind, low or 0.0)
    if high is not None and high < 100:
        yield Not(LabelTerm(label.name, label.kind, round(high + 0.01, 2)))


def _one_of(make: Callable[[str], Node], known: tuple[str, ...]) -> Callable[[str], Node]:
    def read(value: str) -> Node:
        if value not in known:
            raise InvalidFilter(f"“{value[:40]}” is none of {', '.join(known)}.")
        return make(value)

    return read


def _owner(value: str) -> Node:
    name = User.objects.filter(pk=_number(value)).values_list("username", flat=True).first()
    if name is None:
        raise InvalidFilter("The person of this filter is not there any more.")
    return FieldTerm("owner", name)


def _bucket(value: str) -> Node:
    name = Bucket.objects.filter(pk=_number(value)).values_list("name", flat=True).first()
    if name is None:
        raise InvalidFilter("The bucket of this filter is not there any more.")
    return FieldTerm("bucket", name)


def _number(text: str, *, maximum: int = 2**63 - 1) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20) or int(text) > maximum:
        raise InvalidFilter(f"“{text[:40]}” is not the number of anything.")
    return int(text)


def _percent(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise InvalidFilter(f"“{text[:40]}” is no confidence; it is percent, from 0 to 100.")
    return round(value, 2)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidFilter(f"“{text[:40]}” is no day; write it as 2026-05-31.") from error


def _version(value: str) -> Node:
    return ModelTerm(value.replace("\x00", " ")[:40])


_READ: dict[str, Callable[[str], Node]] = {
    "is": _one_of(StateTerm, STATES),
    "visibility": _one_of(StateTerm, VISIBILITY),
    "by": _one_of(SourceTerm, SourceTerm.SOURCES),
    "has": _one_of(HasTerm, HasTerm.FEATURES),
    "model": _version,
    "format": _one_of(lambda value: FieldTerm("format", value), tuple(Image.Format.values)),
    OWNER: _owner,
    BUCKET: _bucket,
}
