"""Chips of the parts a search has: each can be dropped, turned around and, if it is a label, asked of more surely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from analysis import formatting
from analysis.search.query import LabelTerm, Node, Not, Query, negation
from analysis.search.syntax import descriptions
from analysis.web import links

THRESHOLDS = (0, 70, 80, 90, 95)
Link = Callable[[Query], str]


@dataclass(frozen=True)
class Choice:
    words: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Chip:
    """One active part of a search."""

    text: str
    is_excluded: bool
    drop_url: str
    flip_words: str
    flip_url: str
    thresholds: tuple[Choice, ...]


def chips(query: Query, *, link: Link = links.library_url) -> list[Chip]:
    return [_chip(query, part, link) for part in query.parts]


def _chip(query: Query, part: Node, link: Link) -> Chip:
    inner, is_excluded = (part.part, True) if isinstance(part, Not) else (part, False)
    return Chip(
        text=descriptions.describe(inner),
        is_excluded=is_excluded,
        drop_url=link(query.without(part)),
        flip_words="Show only these" if is_excluded else "Exclude these",
        flip_url=link(query.replacing(part, negation(part))),
        thresholds=_thresholds(query, part, inner, link) if isinstance(inner, LabelTerm) else (),
    )


def _thresholds(query: Query, part: Node, label: LabelTerm, link: Link) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            words=f"≥ {minimum}{formatting.THIN_SPACE}%" if minimum else "Any confidence",
            url=link(query.replacing(part, _in_place_of(part, replace(label, minimum=float(minimum))))),
            is_current=label.minimum == minimum,
        )
        for minimum in THRESHOLDS
    )


def _in_place_of(part: Node, label: LabelTerm) -> Node:
    return Not(label) if isinstance(part, Not) else label
