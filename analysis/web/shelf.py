"""The library page's values: a query's cards, where they go on, and what to say when there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from django.urls import reverse

from analysis.models import Audience, Image
from analysis.search import facets, results
from analysis.search.complete import near_names
from analysis.search.grammar import BadQuery
from analysis.search.places import Place
from analysis.search.results import PAGE_SIZE
from analysis.search.tree import Labeled, Query
from analysis.web import present, veil
from analysis.web.cards import Card, cards
from analysis.web.chips import Chip, Choice, Link, chips
from analysis.web.offers import Offer, OfferGroup, label_groups, state_offers, trash_offer
from analysis.web.searches import Opened
from analysis.web.sorting import WORDS, has_months, sorts

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
class Offers:
    """What else one could ask for, counted over the result where that says something."""

    label_groups: list[OfferGroup]
    states: list[Offer]
    trash: Offer
    note: str


@dataclass(frozen=True)
class Order:
    """How a result is sorted, how it could be, and where its months are listed."""

    words: str
    choices: list[Choice]
    months_url: str


@dataclass(frozen=True)
class Shelf:
    cards: list[Card] = field(default_factory=list)
    more: More | None = None
    line: str = ""
    total: str = ""
    order: Order | None = None
    newest_url: str = ""
    chips: list[Chip] = field(default_factory=list)
    offers: Offers | None = None
    saved: Opened | None = None
    unknown: list[Unknown] = field(default_factory=list)
    is_empty_library: bool = False
    is_trash: bool = False

    @property
    def is_live(self) -> bool:
        return any(card.is_open for card in self.cards)


@dataclass(frozen=True)
class Complaint:
    """What is wrong with a query, and the part of it where."""

    message: str
    excerpt: str
    caret: str


def shelf(
    query: Query, *, audience: Audience, stretch: Stretch, saved: Opened | None = None, veils: bool = True
) -> Shelf:
    """Everything the library shows for a query; `veils`: sensitive pictures are blurred."""
    found = results.page(query, audience=audience, after=stretch.start, size=stretch.pages * PAGE_SIZE)
    number, counted = tally(query, audience=audience)
    link = partial(present.library_url, saved=saved.id if saved else "")
    return Shelf(
        cards=shown_cards(found.images, query, audience=audience, saved=saved, veils=veils),
        more=_more(query, found.next, stretch, saved),
        line=present.pictures(number),
        total=present.counted(number),
        order=_order(query, link),
        newest_url=link(query) if stretch.start else "",
        chips=chips(query, link=link),
        offers=offers(query, counted, saved=saved),
        saved=saved,
        unknown=[] if number else unknown(query, audience=audience),
        is_empty_library=not (number or query.text),
        is_trash=query.asks_for_trash,
    )


def tally(query: Query, *, audience: Audience) -> tuple[int, facets.Facets]:
    """How many pictures, and what they carry: one look tells both where it met all of them."""
    counted = facets.facets(query, audience=audience)
    return results.count(query, audience=audience) if counted.total is None else counted.total, counted


def offers(query: Query, counted: facets.Facets, *, saved: Opened | None = None) -> Offers:
    """What a query could be narrowed by."""
    link = partial(present.library_url, saved=saved.id if saved else "")
    return Offers(
        label_groups=label_groups(query, counted, link=link),
        states=state_offers(query, link=link),
        trash=trash_offer(query, link=link),
        note=f"Counted over a sample of {counted.counted:,}." if counted.is_sample else "",
    )


def _order(query: Query, link: Link) -> Order:
    months_url = present.with_parameters(reverse("months"), q=query.text) if has_months(query) else ""
    return Order(WORDS[query.sort], sorts(query, link=link), months_url)


def shown_cards(
    images: Sequence[Image], query: Query | None, *, audience: Audience, saved: Opened | None, veils: bool
) -> list[Card]:
    """The cards of the library, which say which pictures are sensitive."""
    name = saved.id if saved else ""
    return cards(images, query=query, audience=audience, saved=name, sensitive=veil.among(images), veils=veils)


def addition(
    query: Query,
    *,
    audience: Audience,
    after: Place,
    stretch: Stretch,
    saved: Opened | None = None,
    veils: bool = True,
) -> Shelf:
    """The page that comes after a place, to be added to a shelf that shows `stretch.pages` with it."""
    found = results.page(query, audience=audience, after=after)
    shown = shown_cards(found.images, query, audience=audience, saved=saved, veils=veils)
    return Shelf(cards=shown, more=_more(query, found.next, stretch, saved))


def stretch_to(image: Image, query: Query, *, audience: Audience, most_pages: int = MOST_PAGES) -> Stretch:
    """The stretch of a result that shows this picture: from the newest on where that is near, else from it on."""
    ids = results.image_ids(query, audience=audience, limit=most_pages * PAGE_SIZE)
    if image.pk in ids:
        return Stretch(pages=ids.index(image.pk) // PAGE_SIZE + 1)
    return Stretch(start=results.place_of(image.pk, query, audience=audience, is_before=True))


def stretch_address(query: Query, stretch: Stretch, saved: Opened | None = None) -> str:
    pages = stretch.pages if stretch.pages > 1 else ""
    return present.library_url(query, after=str(stretch.start or ""), pages=pages, saved=saved.id if saved else "")


def unknown(query: Query, *, audience: Audience) -> list[Unknown]:
    """The wanted words that nothing visible carries: a label that exists on others' pictures alone is among them."""
    return [
        Unknown(label.name, _guesses(query, label, audience=audience))
        for label in query.labels[:MOST_GUESSES]
        if not results.count(Query((replace(label, least=0.0),)), audience=audience, cap=0)
    ]


def complaint(text: str, error: BadQuery) -> Complaint:
    """The stretch of a query around the place where it is wrong, with a caret beneath it."""
    place = min(error.column - 1, len(text))
    start = max(0, place - 40)
    excerpt = "".join(character if character.isprintable() else " " for character in text[start : place + 24])
    return Complaint(str(error), excerpt, " " * (place - start) + "^")


def _guesses(query: Query, label: Labeled, *, audience: Audience) -> tuple[tuple[str, str], ...]:
    names = near_names(label.name, audience=audience)
    return tuple((name, present.library_url(query.exchanged(label, replace(label, name=name)))) for name in names)


def _more(query: Query, after: Place | None, stretch: Stretch, saved: Opened | None) -> More | None:
    if after is None:
        return None
    link = partial(present.library_url, query, after=str(after), saved=saved.id if saved else "")
    return More(url=link(), addition_url=link(start=str(stretch.start or ""), page=stretch.pages + 1))


NOTHING = Shelf()
