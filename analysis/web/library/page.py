"""The library page's values: a query's cards, where they go on, and what to say when there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from django.urls import reverse

from analysis import formatting
from analysis.models import Image, Viewer
from analysis.search import facets, results
from analysis.search.autocomplete import near_names
from analysis.search.pagination import Cursor
from analysis.search.query import LabelTerm, Query
from analysis.search.results import COUNT_CAP, PAGE_SIZE
from analysis.search.syntax.parser import InvalidQuery
from analysis.web import links, sensitive
from analysis.web.library.cards import Card, cards
from analysis.web.library.facet_links import FacetGroup, FacetLink, label_facets, state_facets, trash_facet
from analysis.web.library.filter_chips import Chip, Choice, Link, chips
from analysis.web.library.sorting import WORDS, has_months, sorts
from analysis.web.saved_searches import OpenSearch

MAX_PAGES = 20
"""How many pages one address shows: Back returns to the place, and no answer grows without end."""
MOST_GUESSES = 3


@dataclass(frozen=True)
class PageRange:
    """Which part of a result an address shows: so many pages from a place on."""

    start: Cursor | None = None
    pages: int = 1


@dataclass(frozen=True)
class More:
    """Where the cards go on: the next page as a page of its own, and as an addition to this one."""

    url: str
    addition_url: str


@dataclass(frozen=True)
class UnknownTerm:
    """A word that no picture carries, and what may have been meant."""

    name: str
    guesses: tuple[tuple[str, str], ...]  # name, url


@dataclass(frozen=True)
class FilterOptions:
    """What else one could ask for, counted over the result where that says something."""

    label_groups: list[FacetGroup]
    states: list[FacetLink]
    trash: FacetLink
    note: str


@dataclass(frozen=True)
class Order:
    """How a result is sorted, how it could be, and where its months are listed."""

    words: str
    choices: list[Choice]
    months_url: str


@dataclass(frozen=True)
class LibraryPage:
    cards: list[Card] = field(default_factory=list)
    more: More | None = None
    line: str = ""
    total: str = ""
    order: Order | None = None
    newest_url: str = ""
    chips: list[Chip] = field(default_factory=list)
    offers: FilterOptions | None = None
    saved: OpenSearch | None = None
    unknown: list[UnknownTerm] = field(default_factory=list)
    is_empty_library: bool = False
    is_trash: bool = False

    @property
    def is_live(self) -> bool:
        return any(card.is_open for card in self.cards)


@dataclass(frozen=True)
class SearchError:
    """What is wrong with a query, and the part of it where."""

    message: str
    excerpt: str
    caret: str


def library_page(
    query: Query, *, viewer: Viewer, stretch: PageRange, saved: OpenSearch | None = None, veils: bool = True
) -> LibraryPage:
    """Everything the library shows for a query; `veils`: sensitive pictures are blurred."""
    found = results.page(query, viewer=viewer, after=stretch.start, size=stretch.pages * PAGE_SIZE)
    number, counted = count_and_facets(query, viewer=viewer)
    link = partial(links.library_url, saved=saved.id if saved else "")
    return LibraryPage(
        cards=visible_cards(found.images, query, viewer=viewer, saved=saved, veils=veils),
        more=_more(query, found.next, stretch, saved),
        line=formatting.pictures(number, cap=COUNT_CAP),
        total=formatting.capped_count(number, cap=COUNT_CAP),
        order=_order(query, link),
        newest_url=link(query) if stretch.start else "",
        chips=chips(query, link=link),
        offers=filter_options(query, counted, saved=saved),
        saved=saved,
        unknown=[] if number else unknown(query, viewer=viewer),
        is_empty_library=not (number or query.text),
        is_trash=query.includes_trash,
    )


def count_and_facets(query: Query, *, viewer: Viewer) -> tuple[int, facets.Facets]:
    """How many pictures, and what they carry: one look tells both where it met all of them."""
    counted = facets.facets(query, viewer=viewer)
    return results.count(query, viewer=viewer) if counted.total is None else counted.total, counted


def filter_options(query: Query, counted: facets.Facets, *, saved: OpenSearch | None = None) -> FilterOptions:
    """What a query could be narrowed by."""
    link = partial(links.library_url, saved=saved.id if saved else "")
    return FilterOptions(
        label_groups=label_facets(query, counted, link=link),
        states=state_facets(query, link=link),
        trash=trash_facet(query, link=link),
        note=f"Counted over a sample of {counted.counted:,}." if counted.is_sample else "",
    )


def _order(query: Query, link: Link) -> Order:
    months_url = links.with_parameters(reverse("months"), q=query.text) if has_months(query) else ""
    return Order(WORDS[query.sort], sorts(query, link=link), months_url)


def visible_cards(
    images: Sequence[Image], query: Query | None, *, viewer: Viewer, saved: OpenSearch | None, veils: bool
) -> list[Card]:
    """The cards of the library, which say which pictures are sensitive."""
    name = saved.id if saved else ""
    return cards(
        images, query=query, viewer=viewer, saved=name, sensitive=sensitive.sensitive_among(images), veils=veils
    )


def next_cards(
    query: Query,
    *,
    viewer: Viewer,
    after: Cursor,
    stretch: PageRange,
    saved: OpenSearch | None = None,
    veils: bool = True,
) -> LibraryPage:
    """The page that comes after a place, to be added to a shelf that shows `stretch.pages` with it."""
    found = results.page(query, viewer=viewer, after=after)
    shown = visible_cards(found.images, query, viewer=viewer, saved=saved, veils=veils)
    return LibraryPage(cards=shown, more=_more(query, found.next, stretch, saved))


def page_range(image: Image, query: Query, *, viewer: Viewer, most_pages: int = MAX_PAGES) -> PageRange:
    """The stretch of a result that shows this picture: from the newest on where that is near, else from it on."""
    ids = results.image_ids(query, viewer=viewer, limit=most_pages * PAGE_SIZE)
    if image.pk in ids:
        return PageRange(pages=ids.index(image.pk) // PAGE_SIZE + 1)
    return PageRange(start=results.cursor_of(image.pk, query, viewer=viewer, is_before=True))


def page_range_url(query: Query, stretch: PageRange, saved: OpenSearch | None = None) -> str:
    pages = stretch.pages if stretch.pages > 1 else ""
    return links.library_url(query, after=str(stretch.start or ""), pages=pages, saved=saved.id if saved else "")


def unknown(query: Query, *, viewer: Viewer) -> list[UnknownTerm]:
    """The wanted words that nothing visible carries: a label that exists on others' pictures alone is among them."""
    return [
        UnknownTerm(label.name, _guesses(query, label, viewer=viewer))
        for label in query.labels[:MOST_GUESSES]
        if not results.count(Query((replace(label, minimum=0.0),)), viewer=viewer, cap=0)
    ]


def search_error(text: str, error: InvalidQuery) -> SearchError:
    """The stretch of a query around the place where it is wrong, with a caret beneath it."""
    place = min(error.column - 1, len(text))
    start = max(0, place - 40)
    excerpt = "".join(character if character.isprintable() else " " for character in text[start : place + 24])
    return SearchError(str(error), excerpt, " " * (place - start) + "^")


def _guesses(query: Query, label: LabelTerm, *, viewer: Viewer) -> tuple[tuple[str, str], ...]:
    names = near_names(label.name, viewer=viewer)
    return tuple((name, links.library_url(query.replacing(label, replace(label, name=name)))) for name in names)


def _more(query: Query, after: Cursor | None, stretch: PageRange, saved: OpenSearch | None) -> More | None:
    if after is None:
        return None
    link = partial(links.library_url, query, after=str(after), saved=saved.id if saved else "")
    return More(url=link(), addition_url=link(start=str(stretch.start or ""), page=stretch.pages + 1))


EMPTY_QUERY = LibraryPage()
