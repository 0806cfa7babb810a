"""Filter links beside the results: labels, states and the trash."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analysis import formatting
from analysis.models import Label
from analysis.models.labels import KIND_TITLES
from analysis.search.facets import Facet, Facets
from analysis.search.query import HasTerm, LabelTerm, Node, Not, Query, StateTerm
from analysis.web import links
from analysis.web.library.filter_chips import Link

# Names with a color in facets.css.
SWATCHES = {
    *("red", "orange", "yellow", "green", "teal", "cyan", "blue", "purple", "magenta", "pink", "brown", "beige"),
    *("black", "gray", "grey", "white"),
}
STATES: tuple[tuple[Node, str | Promise], ...] = (
    (StateTerm("favorite"), _("Favorites")),
    (HasTerm("faces"), _("Faces")),
    (HasTerm("text"), _("Text")),
    (HasTerm("location"), _("Location")),
    (StateTerm("untagged"), _("Untagged")),
    (StateTerm("reviewed"), _("Reviewed")),
    (StateTerm("private"), _("Private")),
    (StateTerm("shared"), _("Shared")),
    (StateTerm("public"), _("Public")),
    (StateTerm("duplicate"), _("Duplicates")),
    (StateTerm("pending"), _("Analyzing")),
    (StateTerm("failed"), _("Failed")),
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
    """Groups of labels by kind, without empty ones."""
    return [
        FacetGroup(str(title), kind, [_label_link(query, facet, link) for facet in facets.by_kind[kind]])
        for kind, title in KIND_TITLES.items()
        if facets.by_kind.get(kind)
    ]


def state_facets(query: Query, *, link: Link = links.library_url) -> list[FacetLink]:
    return [_facet_link(query, part, str(name), link) for part, name in STATES]


def trash_facet(query: Query, *, link: Link = links.library_url) -> FacetLink:
    """Opens the trash without the other terms of the search, or leaves it."""
    url = link(query.without(TRASH) if query.includes_trash else Query((TRASH,)))
    return FacetLink(str(_("Trash")), "", url, "", is_active=query.includes_trash)


def _label_link(query: Query, facet: Facet, link: Link) -> FacetLink:
    name = facet.name.lower()
    term = LabelTerm(facet.name, kind="" if facet.kind == Label.Kind.LABEL else facet.kind)
    # A label with a minimum confidence in the search counts as chosen, so that its link removes that term.
    active = next((part for part in query.labels if part.name.lower() == name and part.kind in {"", facet.kind}), None)
    swatch = name if facet.kind == Label.Kind.COLOR and name in SWATCHES else ""
    return _facet_link(query, term, facet.name, link, count=formatting.count(facet.count), active=active, swatch=swatch)


def _facet_link(
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
