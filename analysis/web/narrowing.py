"""Ways to narrow a search from its page: chips of the terms it has, facets of the terms it could have."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.models import Label
from analysis.search.facets import Facet, Facets
from analysis.search.query import HasLabel, Query
from analysis.web import present

THRESHOLDS = (0, 70, 80, 90, 95)
KIND_TITLES = {
    Label.Kind.LABEL: "Labels",
    Label.Kind.TAG: "Tags",
    Label.Kind.CELEBRITY: "Celebrities",
    Label.Kind.EMOTION: "Emotions",
    Label.Kind.FACE: "Faces",
    Label.Kind.MODERATION: "Moderation",
    Label.Kind.COLOR: "Colors",
}
SWATCHES = {
    *("red", "orange", "yellow", "green", "teal", "cyan", "blue", "purple", "magenta", "pink", "brown", "beige"),
    *("black", "gray", "grey", "white"),
}


@dataclass(frozen=True)
class Choice:
    words: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Chip:
    """One active term: how to drop it, turn it around, and ask for more or less confidence."""

    text: str
    name: str
    is_excluded: bool
    drop_url: str
    flip_words: str
    flip_url: str
    thresholds: tuple[Choice, ...]


@dataclass(frozen=True)
class FacetLink:
    name: str
    count: str
    url: str
    exclude_url: str
    is_active: bool
    swatch: str


@dataclass(frozen=True)
class FacetGroup:
    title: str
    kind: str
    links: list[FacetLink]


def chips(query: Query) -> list[Chip]:
    return [_chip(query, term) for term in query.terms]


def facet_groups(query: Query, facets: Facets) -> list[FacetGroup]:
    """The kinds that have something to offer, in the order people ask for them."""
    return [
        FacetGroup(title, kind, [_facet_link(query, facet) for facet in facets.by_kind[kind]])
        for kind, title in KIND_TITLES.items()
        if facets.by_kind.get(kind)
    ]


def _chip(query: Query, term: HasLabel) -> Chip:
    flipped = replace(term, is_excluded=not term.is_excluded)
    return Chip(
        text=f"{term.name} ≥ {term.least:g}" if term.least else term.name,
        name=term.name,
        is_excluded=term.is_excluded,
        drop_url=present.library_url(query.without(term)),
        flip_words="Show only these" if term.is_excluded else "Exclude these",
        flip_url=present.library_url(_exchanged(query, term, flipped)),
        thresholds=tuple(_threshold(query, term, least) for least in THRESHOLDS),
    )


def _threshold(query: Query, term: HasLabel, least: int) -> Choice:
    url = present.library_url(_exchanged(query, term, replace(term, least=float(least))))
    return Choice(f"≥ {least}{present.THIN_SPACE}%" if least else "Any confidence", url, is_current=term.least == least)


def _exchanged(query: Query, old: HasLabel, new: HasLabel) -> Query:
    """The query with one term in another's place, so that the chips keep their order."""
    return Query(tuple(dict.fromkeys(new if term == old else term for term in query.terms)))


def _facet_link(query: Query, facet: Facet) -> FacetLink:
    active = next((term for term in query.terms if term.name.lower() == facet.name.lower()), None)
    term = HasLabel(facet.name)
    return FacetLink(
        name=facet.name,
        count=f"{facet.count:,}",
        url=present.library_url(query.without(active) if active else query.with_term(term)),
        exclude_url="" if active else present.library_url(query.with_term(replace(term, is_excluded=True))),
        is_active=active is not None,
        swatch=facet.name.lower() if facet.kind == Label.Kind.COLOR and facet.name.lower() in SWATCHES else "",
    )
