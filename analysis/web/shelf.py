"""The library page's values: a query's cards, where they go on, and what to say when there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.models import Audience, Image
from analysis.search import facets, results
from analysis.search.query import BadQuery, HasLabel, Query
from analysis.search.results import PAGE_SIZE, Place
from analysis.web import present
from analysis.web.cards import Card, cards
from analysis.web.narrowing import Chip, FacetGroup, chips, facet_groups

MOST_PAGES = 20
"""How many pages one address shows: Back returns to the place, and no answer grows without end."""
MOST_GUESSES = 3


@dataclass(frozen=True)
class Stretch:
    """Which part of a result an address shows: so many pages from a place on."""

    start: Place | None = None
    pages: int = 1


@dataclass(frozen=True)
class More:
    """Where the cards go on: the next page as a page of its own, and as an addition to this one."""

    url: str
    addition_url: str


@dataclass(frozen=True)
class Unknown:
    """A word that no picture carries, and what may have been meant."""

    name: str
    guesses: tuple[tuple[str, str], ...]  # name, url


@dataclass(frozen=True)
class Shelf:
    cards: list[Card]
    more: More | None
    line: str
    newest_url: str
    chips: list[Chip]
    facet_groups: list[FacetGroup]
    facets_note: str
    unknown: list[Unknown]
    is_empty_library: bool

    @property
    def is_live(self) -> bool:
        return any(card.is_open for card in self.cards)


@dataclass(frozen=True)
class Complaint:
    """What is wrong with a query, and the part of it where."""

    message: str
    excerpt: str
    caret: str


def shelf(query: Query, *, audience: Audience, stretch: Stretch) -> Shelf:
    """Everything the library shows for a query."""
    found = results.page(query, audience=audience, after=stretch.start, size=stretch.pages * PAGE_SIZE)
    is_whole = stretch.start is None and found.next is None
    number = len(found.images) if is_whole else results.count(query, audience=audience)
    counted = facets.facets(query, audience=audience) if number else facets.Facets({}, is_sample=False)
    return Shelf(
        cards=cards(found.images, query=query),
        more=_more(query, found.next, stretch),
        line=present.pictures(number),
        newest_url=present.library_url(query) if stretch.start else "",
        chips=chips(query),
        facet_groups=facet_groups(query, counted),
        facets_note=f"Counted over the newest {facets.SAMPLE:,}." if counted.is_sample else "",
        unknown=[] if number else unknown(query, audience=audience),
        is_empty_library=not (number or query),
    )


def addition(query: Query, *, audience: Audience, after: Place, stretch: Stretch) -> Shelf:
    """The page that comes after a place, to be added to a shelf that shows `stretch.pages` with it."""
    found = results.page(query, audience=audience, after=after)
    return replace(NOTHING, cards=cards(found.images, query=query), more=_more(query, found.next, stretch))


def stretch_to(image: Image, query: Query, *, audience: Audience, most_pages: int = MOST_PAGES) -> Stretch:
    """The stretch of a result that shows this picture: from the newest on where that is near, else from it on."""
    ids = results.image_ids(query, audience=audience, limit=most_pages * PAGE_SIZE)
    if image.pk in ids:
        return Stretch(pages=ids.index(image.pk) // PAGE_SIZE + 1)
    return Stretch(start=Place(image.added_at, image.pk + 1))


def stretch_address(query: Query, stretch: Stretch) -> str:
    pages = stretch.pages if stretch.pages > 1 else ""
    return present.library_url(query, after=str(stretch.start or ""), pages=pages)


def unknown(query: Query, *, audience: Audience) -> list[Unknown]:
    """The wanted words that nothing visible carries: a label that exists on others' pictures alone is among them."""
    wanted = [term for term in query.terms if not term.is_excluded]
    return [
        Unknown(term.name, _guesses(query, term, audience=audience))
        for term in wanted[:MOST_GUESSES]
        if not results.count(Query((HasLabel(term.name),)), audience=audience, cap=0)
    ]


def complaint(text: str, error: BadQuery) -> Complaint:
    """The stretch of a query around the place where it is wrong, with a caret beneath it."""
    place = min(error.column - 1, len(text))
    start = max(0, place - 40)
    excerpt = "".join(character if character.isprintable() else " " for character in text[start : place + 24])
    return Complaint(str(error), excerpt, " " * (place - start) + "^")


def _guesses(query: Query, term: HasLabel, *, audience: Audience) -> tuple[tuple[str, str], ...]:
    names = facets.near_names(term.name, audience=audience)
    return tuple((name, present.library_url(query.without(term).with_term(HasLabel(name)))) for name in names)


def _more(query: Query, after: Place | None, stretch: Stretch) -> More | None:
    if after is None:
        return None
    start = str(stretch.start or "")
    return More(
        url=present.library_url(query, after=str(after)),
        addition_url=present.library_url(query, after=str(after), start=start, page=stretch.pages + 1),
    )


NOTHING = Shelf([], None, "", "", [], [], "", [], is_empty_library=False)
