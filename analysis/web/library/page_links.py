"""Links to parts of a result: page ranges, next and previous page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.urls import reverse

from analysis.models import Image
from analysis.search.pagination import PAGE_SIZE, Cursor
from analysis.search.query import Query
from analysis.search.results import Search
from analysis.web import links
from analysis.web.library.sorting import previous_name
from analysis.web.saved_searches import OpenSearch

MAX_PAGES = 20
"""Pages that one URL can show, so that Back returns to the same position and responses stay bounded."""


@dataclass(frozen=True)
class PageRange:
    """The part of a result on the page: `pages` pages after the cursor `start`."""

    start: Cursor | None = None
    pages: int = 1


@dataclass(frozen=True)
class NextPage:
    """Links to the next cards: as a page, and as a fragment to append."""

    url: str
    fragment_url: str


@dataclass(frozen=True)
class PreviousPage:
    """Links to the previous cards: as a page, and as a fragment to prepend."""

    name: str
    url: str
    fragment_url: str


def link_within(saved_search: OpenSearch | None) -> partial[str]:
    """Builder of library URLs that keep the open saved search."""
    return partial(links.library_url, saved=saved_search.id if saved_search else "")


def url_within(name: str, query: Query, saved_search: OpenSearch | None, *, after: str = "") -> str:
    """URL of a page about a query's result that keeps the open saved search."""
    saved = saved_search.id if saved_search else ""
    return links.with_parameters(reverse(name), q=query.text, saved=saved, after=after)


def page_range_of(image: Image, search: Search, *, max_pages: int = MAX_PAGES) -> PageRange:
    """The range with an image: from the first page if near, else from the image."""
    ids = search.image_ids(limit=max_pages * PAGE_SIZE)
    # Near the start the whole range is shown, as the browser's Back would; further down, only what follows.
    if image.pk in ids:
        return PageRange(pages=ids.index(image.pk) // PAGE_SIZE + 1)
    return PageRange(start=search.cursor_of(image.pk, is_before=True))


def page_range_url(query: Query, page_range: PageRange, saved_search: OpenSearch | None = None) -> str:
    pages = page_range.pages if page_range.pages > 1 else ""
    return link_within(saved_search)(query, after=str(page_range.start or ""), pages=pages)


def next_page(
    query: Query,
    after: Cursor | None,
    page_range: PageRange,
    saved_search: OpenSearch | None,
    *,
    is_long_day: bool,
) -> NextPage | None:
    """The page after the cursor at the end of a range; None after the last one."""
    if after is None:
        return None
    link = partial(link_within(saved_search), query, after=str(after))
    more = {"start": str(page_range.start or ""), "page": page_range.pages + 1, "day": "long" if is_long_day else ""}
    return NextPage(url=link(), fragment_url=link(**more))


def previous_page(query: Query, page_range: PageRange, saved_search: OpenSearch | None) -> PreviousPage | None:
    """The page before a range; None if the range begins with the first page."""
    if page_range.start is None:
        return None
    link = partial(link_within(saved_search), query, before=str(page_range.start))
    return PreviousPage(previous_name(query.sort), link(), link(page=page_range.pages))
