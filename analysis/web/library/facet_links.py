"""Filter links next to the results: labels, states and the trash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from analysis import formatting
from analysis.models import Label, Viewer
from analysis.models.labels import KIND_TITLES
from analysis.search.brief_counts import COUNT_CAP, BriefCounter
from analysis.search.label_facets import Facet, Facets
from analysis.search.label_tree import ancestor_names
from analysis.search.query import HasTerm, LabelTerm, Node, Not, Query, StateTerm
from analysis.search.terms import DayTerm
from analysis.search.typed_words import WordMeaning, standalone_term
from analysis.web import links
from analysis.web.library.filter_chips import Link

# Colors that facets.css has a swatch for.
SWATCHES = {
    *("red", "orange", "yellow", "green", "teal", "cyan", "blue", "purple", "magenta", "pink", "brown", "beige"),
    *("black", "gray", "grey", "white"),
}
STATES: tuple[tuple[Node, str | Promise], ...] = (
    (StateTerm("favorite"), _("Favorites")),
    (HasTerm("faces"), _("Faces")),
    (HasTerm("text"), _("Text")),
    (HasTerm("location"), _("Location")),
    (DayTerm(), _("On this day")),
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
Words = Mapping[str, Sequence[LabelTerm]]
"""The words of a search that mean a label, by the label's name in lower case."""
MAX_FACETS = 5
"""Links of a group that are shown at first."""
MAX_DEPTH = 4
"""Levels of indentation; deeper levels get the same."""


@dataclass(frozen=True)
class FacetLink:
    name: str
    count: str
    url: str
    exclude_url: str
    is_active: bool
    swatch: str = ""
    depth: int = 0
    """Levels below another label of its group."""

    @property
    def exclude_label(self) -> str:
        # Formatted here, since a page has about sixty and the template would be slower.
        return gettext("Exclude %(name)s") % {"name": self.name}


@dataclass(frozen=True)
class FacetGroup:
    """Links of one kind; the page shows the first ones, the rest on demand."""

    title: str
    kind: str
    links: list[FacetLink]

    @property
    def first(self) -> list[FacetLink]:
        return self.links[:MAX_FACETS]

    @property
    def rest(self) -> list[FacetLink]:
        return self.links[MAX_FACETS:]

    @property
    def is_rest_active(self) -> bool:
        return any(link.is_active for link in self.rest)

    @property
    def more_label(self) -> str:
        number = len(self.rest)
        return formatting.plural(ngettext("%(number)s more", "%(number)s more", number), number)


def label_facets(
    query: Query, facets: Facets, *, meanings: Sequence[WordMeaning] = (), link: Link = links.library_url
) -> list[FacetGroup]:
    """Groups of labels by kind, without empty ones."""
    # A search for "dogs" counts as having chosen Dog.
    words: dict[str, Sequence[LabelTerm]] = {}
    for meaning in meanings:
        typed = [part for part in meaning.typed if isinstance(part, LabelTerm) and part in query.parts]
        if len(typed) == len(meaning.typed):
            words |= {name.lower(): typed for name in meaning.labels}
    return [
        FacetGroup(str(title), kind, _label_links(query, kind, facets.by_kind[kind], words, link))
        for kind, title in KIND_TITLES.items()
        if facets.by_kind.get(kind)
    ]


def _label_links(query: Query, kind: str, facets: list[Facet], words: Words, link: Link) -> list[FacetLink]:
    placed = _nested(facets) if kind == Label.Kind.LABEL else [(facet, 0) for facet in facets]
    return [replace(_label_link(query, facet, words, link), depth=min(depth, MAX_DEPTH)) for facet, depth in placed]


def _nested(facets: list[Facet]) -> list[tuple[Facet, int]]:
    """The labels with their level, each below its nearest ancestor.

    The order stays the same otherwise.
    """
    ancestors = ancestor_names([facet.name for facet in facets]) if len(facets) > 1 else {}
    rank = {facet.name: (facet.count, -len(ancestors.get(facet.name, ()))) for facet in facets}
    children: dict[str, list[Facet]] = {}
    for facet in facets:
        # An ancestor is at least as frequent as the label; among equally frequent ones, the one with fewer ancestors is
        # above. In a cycle of ancestors neither is.
        above = [name for name in ancestors.get(facet.name, ()) if rank[name] > rank[facet.name]]
        children.setdefault(min(above, key=lambda name: (rank[name], name), default=""), []).append(facet)

    def below(name: str, depth: int) -> Iterator[tuple[Facet, int]]:
        for facet in children.get(name, ()):
            yield facet, depth
            yield from below(facet.name, depth + 1)

    return list(below("", 0))


def state_facets(query: Query, *, link: Link = links.library_url) -> list[FacetLink]:
    """Links for all states, without counts."""
    return [_facet_link(query, part, str(name), link) for part, name in STATES]


def counted_state_facets(query: Query, *, viewer: Viewer, seconds: float, link: Link) -> list[FacetLink]:
    """Links for the states of pictures in the query's result, with counts.

    States that can't be counted in time are listed without a count.
    """
    counter = BriefCounter(viewer, seconds=seconds)
    facets = []
    for part, name in STATES:
        number = counter.count(query.with_part(part))
        if number or number is None or part in query.parts:
            count = "" if number is None else formatting.capped_count(number, cap=COUNT_CAP)
            facets.append(_facet_link(query, part, str(name), link, count=count))
    return facets


def trash_facet(query: Query, *, link: Link = links.library_url) -> FacetLink:
    """Link that opens the trash without the other terms of the search, or leaves it."""
    url = link(query.without(TRASH) if query.includes_trash else Query((TRASH,)))
    return FacetLink(str(_("Search the trash")), "", url, "", is_active=query.includes_trash)


def _label_link(query: Query, facet: Facet, words: Words, link: Link) -> FacetLink:
    name = facet.name.lower()
    term = LabelTerm(facet.name, kind="" if facet.kind == Label.Kind.LABEL else facet.kind)
    term = standalone_term(query, term)
    # A label that the search has with a minimum confidence counts as chosen, so that its link removes the term.
    kinds = {"", facet.kind}
    active: Sequence[LabelTerm] = [part for part in query.labels if part.name.lower() == name and part.kind in kinds]
    active = active[:1] or [part for part in words.get(name, ()) if part.kind in kinds]
    swatch = name if facet.kind == Label.Kind.COLOR and name in SWATCHES else ""
    return _facet_link(query, term, facet.name, link, count=formatting.count(facet.count), active=active, swatch=swatch)


def _facet_link(
    query: Query,
    part: Node,
    name: str,
    link: Link,
    *,
    count: str = "",
    active: Sequence[Node] = (),
    swatch: str = "",
) -> FacetLink:
    active = active or ((part,) if part in query.parts else ())
    without = query
    for chosen in active:
        without = without.without(chosen)
    return FacetLink(
        name=name,
        count=count,
        url=link(without if active else query.with_part(part)),
        exclude_url="" if active else link(query.with_part(Not(part))),
        is_active=bool(active),
        swatch=swatch,
    )
