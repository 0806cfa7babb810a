"""Previous cards: the page before those that are shown, to prepend."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.search.pagination import Cursor
from analysis.search.results import Search
from analysis.web.library.cards import Card, DateHeading
from analysis.web.library.date_headings import MANY, with_headings
from analysis.web.library.page import library_cards
from analysis.web.library.page_links import MAX_PAGES, PageRange, PreviousPage, page_range_url, previous_page
from analysis.web.saved_searches import OpenSearch


@dataclass(frozen=True)
class PreviousCards:
    """A page of cards to put before another.

    `headings` replace those of the first card after it.
    """

    cards: list[Card]
    headings: tuple[DateHeading, ...]
    previous_page: PreviousPage | None
    start: str
    pages: int
    url: str
    """URL of all pages together; empty for more than a URL can show."""

    @property
    def has_pending(self) -> bool:
        return any(card.is_pending for card in self.cards)


def previous_cards(
    search: Search,
    *,
    end: Cursor,
    pages: int,
    saved_search: OpenSearch | None = None,
    blurs_sensitive: bool = True,
) -> PreviousCards:
    """The page that ends at a cursor, to put before `pages` pages."""
    query, (start, number) = search.query, search.page_until(end)
    page_range = PageRange(start, pages + 1)
    page = search.page(after=start, size=number, following=MANY)
    images = [*page.images, *page.following[:1]]
    cards = library_cards(
        images, query, viewer=search.viewer, saved_search=saved_search, blurs_sensitive=blurs_sensitive
    )
    dated = with_headings(cards, images, query, following=page.following[1:]).cards
    return PreviousCards(
        cards=dated[:number],
        headings=dated[number].headings if len(dated) > number else (),
        previous_page=previous_page(query, page_range, saved_search),
        start=str(start or ""),
        pages=page_range.pages,
        url=page_range_url(query, page_range, saved_search) if page_range.pages <= MAX_PAGES else "",
    )
