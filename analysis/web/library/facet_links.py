"""Ways to narrow a search from its page: the labels its pictures carry, their states, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.models import Label
from analysis.models.labels import KIND_TITLES
from analysis.search.facets import Facet, Facets
from analysis.search.query import HasTerm, LabelTerm, Node, Not, Query, StateTerm
from analysis.web import links
from analysis.web.library.filter_chips import Link

SWATCHES = {
    *("red", "orange", "yellow", "green", "teal", "cyan", "blue", "purple", "magenta", "pink", "brown", "beige"),
    *("black", "gray", "grey", "white"),
}
STATES: tuple[tuple[Node, str], ...] = (
    (StateTerm("favorite"), "Favorites"),
    (HasTerm("faces"), "Faces"),
    (HasTerm("text"), "Text"),
    (HasTerm("location"), "Location"),
    (StateTerm("untagged"), "Untagged"),
    (StateTerm("reviewed"), "Reviewed"),
    (StateTerm("private"), "Private"),
    (StateTerm("shared"), "Shared"),
    (StateTerm("public"), "Public"),
    (StateTerm("duplicate"), "Duplicates"),
    (StateTerm("pending"), "Under way"),
    (StateTerm("failed"), "Failed"),
)
TRASH = StateTerm("trashed")


@dataclass(frozen=True)
class FacetLink:
    name: str
    count: str
    url: str
    exclude_url: str
    is_active: bool
    swatch: str = ""


@dataclass(frozen=True)
class FacetGroup:
    title: str
    kind: str
    links: list[FacetLink]


def label_facets(query: Query, facets: Facets, *, link: Link = links.library_url) -> list[FacetGroup]:
    """The kinds that have something to offer, in the order people ask for them."""
    return [
        FacetGroup(str(title), kind, [_label(query, facet, link) for facet in facets.by_kind[kind]])
        for kind, title in KIND_TITLES.items()
        if facets.by_kind.get(kind)
    ]


def state_facets(query: Query, *, link: Link = links.library_url) -> list[FacetLink]:
    return [_offer(query, part, name, link) for part, name in STATES]


def trash_facet(query: Query, *, link: Link = links.library_url) -> FacetLink:
    """The trash by itself: what else was asked for rarely is meant of it."""
    if query.includes_trash:
        return FacetLink("Trash", "", link(query.without(TRASH)), "", is_active=True)
    return FacetLink("Trash", "", link(Query((TRASH,))), "", is_active=False)


def _label(query: Query, facet: Facet, link: Link) -> FacetLink:
    name = facet.name.lower()
    wanted = LabelTerm(facet.name, kind="" if facet.kind == Label.Kind.LABEL else facet.kind)
    active = next((part for part in query.labels if part.name.lower() == name and part.kind in {"", facet.kind}), None)
    swatch = name if facet.kind == Label.Kind.COLOR and name in SWATCHES else ""
    return _offer(query, wanted, facet.name, link, count=f"{facet.count:,}", active=active, swatch=swatch)


def _offer(
    query: Query,
    part: Node,
    name: str,
    link: Link,
    *,
    count: str = "",
    active: Node | None = None,
    swatch: str = "",
) -> FacetLink:
    active = active or (part if part in query.parts else None)
    return FacetLink(
        name=name,
        count=count,
        url=link(query.without(active) if active else query.with_part(part)),
        exclude_url="" if active else link(query.with_part(Not(part))),
        is_active=active is not None,
        swatch=swatch,
    )
