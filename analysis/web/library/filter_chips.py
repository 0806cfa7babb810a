"""Filter chips: one for each term of a search, to remove, exclude or adjust it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from analysis import formatting
from analysis.search.query import LabelTerm, Node, Not, Query, negation
from analysis.web import links

THRESHOLDS = (0, 70, 80, 90, 95)
Link = Callable[..., str]
"""Builder of library URLs, as links.library_url."""


@dataclass(frozen=True)
class FilterChoice:
    text: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Chip:
    """One term of a search."""

    text: str
    is_excluded: bool
    remove_url: str
    invert_text: str
    invert_url: str
    thresholds: tuple[FilterChoice, ...]


def chips(query: Query, *, link: Link = links.library_url) -> list[Chip]:
    return [_chip(query, part, link) for part in query.parts]


def _chip(query: Query, part: Node, link: Link) -> Chip:
    inner, is_excluded = (part.part, True) if isinstance(part, Not) else (part, False)
    return Chip(
        text=inner.describe(),
        is_excluded=is_excluded,
        remove_url=link(query.without(part)),
        invert_text=_("Show only these") if is_excluded else _("Exclude these"),
        # Replaced in place, not removed and appended, so that the chips keep their order.
        invert_url=link(query.replacing(part, negation(part))),
        thresholds=_thresholds(query, part, inner, link) if isinstance(inner, LabelTerm) else (),
    )


def _thresholds(query: Query, part: Node, label: LabelTerm, link: Link) -> tuple[FilterChoice, ...]:
    return tuple(
        FilterChoice(
            text=f"≥ {formatting.percent(minimum)}" if minimum else _("Any confidence"),
            url=link(query.replacing(part, _with_sign_of(part, replace(label, minimum=float(minimum))))),
            is_current=label.minimum == minimum,
        )
        for minimum in THRESHOLDS
    )


def _with_sign_of(part: Node, label: LabelTerm) -> Node:
    """The label term, negated if `part` is."""
    return Not(label) if isinstance(part, Not) else label
