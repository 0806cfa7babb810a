"""Converts the image list's search box and filters to one library search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from django.utils.translation import gettext as _

from analysis.models import Bucket, Image, Label, Viewer
from analysis.search.query import (
    SORTS,
    DateTerm,
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
from analysis.search.terms import BucketTerm, FormatTerm, OwnerTerm
from imagelib.accounts.models import User

ANYONE = Viewer(sees_all=True)
LABEL, OWNER, BUCKET = "image_labels__label__id__exact", "owner__id__exact", "bucket__id__exact"
MIN_CONFIDENCE, MAX_CONFIDENCE = "confidence_from", "confidence_to"
SINCE, UNTIL = "added_at_from", "added_at_to"
STATES = ("pending", "failed", "untagged", "reviewed", "duplicate", "trashed")
VISIBILITY = tuple(name.lower() for name in Image.Visibility.names)


class InvalidFilter(ValueError):
    """A search or filter that cannot be parsed; the message says what to enter."""


def image_query(params: Mapping[str, str]) -> Query:
    """Build the query from the parameters of the list's URL. Raises InvalidFilter."""
    query = parse_search(params.get("q", ""))
    parts = tuple(dict.fromkeys([*query.parts, *_filter_terms(params)]))
    sort = params.get("sort", "")
    if sort and sort not in SORTS:
        raise InvalidFilter(
            _("Can't sort by “%(value)s”. Choose one of: %(choices)s.")
            % {"value": sort[:40], "choices": ", ".join(SORTS)}
        )
    return replace(query, parts=parts, sort=sort or query.sort)


def parse_search(text: str) -> Query:
    """Parse the text of a search box. Raises InvalidFilter."""
    try:
        return parse(text.replace("\x00", " "))
    except InvalidQuery as error:
        raise InvalidFilter(
            _("Invalid search, column %(column)s: %(error)s") % {"column": error.column, "error": error}
        ) from error


def _filter_terms(params: Mapping[str, str]) -> Iterator[Node]:
    for name, parse_value in _PARSERS.items():
        if value := params.get(name, ""):
            yield parse_value(value)
    low, high = _percent(params.get(MIN_CONFIDENCE, "")), _percent(params.get(MAX_CONFIDENCE, ""))
    if label_id := params.get(LABEL, ""):
        yield from _label_terms(label_id, low, high)
    elif low is not None or high is not None:
        raise InvalidFilter(_("To filter by confidence, choose a label too."))
    since, until = _day(params.get(SINCE, "")), _day(params.get(UNTIL, ""))
    if since or until:
        yield DateTerm("added", since, until)


def _label_terms(label_id: str, low: float | None, high: float | None) -> Iterator[Node]:
    label = Label.objects.filter(pk=_id(label_id, maximum=2**31 - 1)).first()
    if label is None:
        raise InvalidFilter(_("The label of this filter no longer exists."))
    yield LabelTerm(label.name, label.kind, low or 0.0)
    # Searches have no upper bound of confidence, so the label is excluded from the next hundredth on.
    if high is not None and high < 100:
        yield Not(LabelTerm(label.name, label.kind, round(high + 0.01, 2)))


def _one_of(make: Callable[[str], Node], choices: tuple[str, ...]) -> Callable[[str], Node]:
    def parse_value(value: str) -> Node:
        if value not in choices:
            raise InvalidFilter(
                _("Unknown value “%(value)s”. Choose one of: %(choices)s.")
                % {"value": value[:40], "choices": ", ".join(choices)}
            )
        return make(value)

    return parse_value


def _owner(value: str) -> Node:
    name = User.objects.filter(pk=_id(value)).values_list("username", flat=True).first()
    if name is None:
        raise InvalidFilter(_("The user of this filter no longer exists."))
    return OwnerTerm(name)


def _bucket(value: str) -> Node:
    name = Bucket.objects.filter(pk=_id(value)).values_list("name", flat=True).first()
    if name is None:
        raise InvalidFilter(_("The bucket of this filter no longer exists."))
    return BucketTerm(name)


def _id(text: str, *, maximum: int = 2**63 - 1) -> int:
    # The length first, since int() takes seconds for a megabyte of digits, or raises ValueError above 4,300.
    if not (text.isascii() and text.isdecimal() and len(text) < 20) or int(text) > maximum:
        raise InvalidFilter(_("Invalid ID “%(value)s”.") % {"value": text[:40]})
    return int(text)


def _percent(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise InvalidFilter(_("Invalid confidence “%(value)s”. Enter 0 to 100 percent.") % {"value": text[:40]})
    return round(value, 2)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidFilter(_("Invalid date “%(value)s”. Use the format 2026-05-31.") % {"value": text[:40]}) from error


def _version(value: str) -> Node:
    return ModelTerm(value.replace("\x00", " ")[:40])


_PARSERS: dict[str, Callable[[str], Node]] = {
    "is": _one_of(StateTerm, STATES),
    "visibility": _one_of(StateTerm, VISIBILITY),
    "by": _one_of(SourceTerm, SourceTerm.SOURCES),
    "has": _one_of(HasTerm, HasTerm.FEATURES),
    "model": _version,
    "format": _one_of(FormatTerm, tuple(Image.Format.values)),
    OWNER: _owner,
    BUCKET: _bucket,
}
