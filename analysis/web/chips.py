"""Chips of the parts a search has: each can be dropped, turned around and, if it is a label, asked of more surely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from analysis.search import spoken
from analysis.search.tree import Labeled, Node, Not, Query, negation
from analysis.web import present

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


def chips(query: Query, *, link: Link = present.library_url) -> list[Chip]:
    return [_chip(query, part, link) for part in query.parts]


def _chip(query: Query, part: Node, link: Link) -> Chip:
    inner, is_excluded = (part.part, True) if isinstance(part, Not) else (part, False)
    return Chip(
        text=spoken.words_of(inner),
        is_excluded=is_excluded,
        drop_url=link(query.without(part)),
        flip_words="Show only these" if is_excluded else "Exclude these",
        flip_url=link(query.exchanged(part, negation(part))),
        thresholds=_thresholds(query, part, inner, link) if isinstance(inner, Labeled) else (),
    )


def _thresholds(query: Query, part: Node, label: Labeled, link: Link) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            words=f"≥ {least}{present.THIN_SPACE}%" if least else "Any confidence",
            url=link(query.exchanged(part, _in_place_of(part, replace(label, least=float(least))))),
            is_current=label.least == least,
        )
        for least in THRESHOLDS
    )


def _in_place_of(part: Node, label: Labeled) -> Node:
    return Not(label) if isinstance(part, Not) else label
