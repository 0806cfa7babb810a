"""Template values of the library page: cards, filters, sorting and search help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import ngettext

from analysis import formatting
from analysis.models import Image, Viewer
from analysis.search.label_facets import Facets, facets_of
from analysis.search.pagination import PAGE_SIZE, TAKEN_SORTS
from analysis.search.query import Query
from analysis.search.results import COUNT_CAP, Page, Search
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.web import links, sensitive
from analysis.web.library.alternative_searches import NoResults, WordNote, no_results, word_note
from analysis.web.library.cards import Card, cards
from analysis.web.library.date_headings import MANY, START, PreviousEnd, with_headings
from analysis.web.library.facet_links import FacetGroup, FacetLink, label_facets, state_facets, trash_facet
from analysis.web.library.filter_chips import Chip, FilterChoice, chips
from analysis.web.library.page_links import (
    NextPage,
    PageRange,
    PreviousPage,
    link_within,
    next_page,
    previous_page,
    url_within,
)
from analysis.web.library.similarity import no_similar_pictures
from analysis.web.library.sorting import has_months, sort_choices, sort_name
from analysis.web.saved_searches import OpenSearch
from imagelib.sample_images import SAMPLE_SEARCHES

RECENTLY_ADDED = Query(sort="newest")
EXCERPT_BEFORE, EXCERPT_AFTER = 40, 24
"""Characters of a query that are shown before and after a syntax error."""


@dataclass(frozen=True)
class Filters:
    """Links that narrow the search, with counts where known."""

    label_groups: list[FacetGroup]
    states: list[FacetLink]
    trash: FacetLink
    note: str
    states_url: str
    folders_url: str
    places_url: str
    collections_url: str


@dataclass(frozen=True)
class Sorting:
    """The sort order, the other choices, and the list of months for orders by date.

    `timeline_url` loads the timeline next to the grid, in the orders by date taken.
    """

    name: str
    choices: list[FilterChoice]
    months_url: str
    timeline_url: str = ""


@dataclass(frozen=True)
class LibraryPage:
    """Values of the page; `pictures` and `total` are one count, with and without noun."""

    cards: list[Card] = field(default_factory=list)
    cards_url: str = ""
    """URL of single cards, to poll those that are pending and to show changes."""
    next_page: NextPage | None = None
    previous_page: PreviousPage | None = None
    pictures: str = ""
    total: str = ""
    sorting: Sorting | None = None
    is_newest_first: bool = False
    takes_new_images: bool = False
    """Newly uploaded pictures belong before the others."""
    newest_url: str = ""
    chips: list[Chip] = field(default_factory=list)
    filters: Filters | None = None
    saved_search: OpenSearch | None = None
    word_note: WordNote | None = None
    no_results: NoResults = field(default_factory=NoResults)
    similar_note: str = ""
    suggested_searches: list[FilterChoice] = field(default_factory=list)
    is_empty_library: bool = False
    is_trash: bool = False

    @property
    def has_pending(self) -> bool:
        return any(card.is_pending for card in self.cards)


@dataclass(frozen=True)
class SearchError:
    """A syntax error, with an excerpt of the query and a caret to show below it."""

    message: str
    excerpt: str
    caret: str


def library_page(
    search: Search,
    *,
    page_range: PageRange,
    saved_search: OpenSearch | None = None,
    blurs_sensitive: bool = True,
) -> LibraryPage:
    """All values of the library page for a query."""
    query, link = search.query, link_within(saved_search)
    pictures = shown_pictures(search, page_range=page_range, saved_search=saved_search, blurs_sensitive=blurs_sensitive)
    # Count and facets come from one scan: both read the same rows, which is most of the page's time.
    number, counts = count_and_facets(search)
    is_part = bool(pictures.next_page or page_range.start) or number > PAGE_SIZE
    return replace(
        pictures,
        pictures=formatting.pictures(number, cap=COUNT_CAP),
        total=formatting.capped_count(number, cap=COUNT_CAP),
        sorting=_sorting(query, saved_search, has_timeline=bool(pictures.cards) and is_part),
        takes_new_images=query == RECENTLY_ADDED and not page_range.start,
        chips=chips(query, link=link),
        filters=search_filters(search, counts, saved_search=saved_search),
        saved_search=saved_search,
        word_note=word_note(search, link=link),
        no_results=NoResults() if number else no_results(search, link=link),
        similar_note="" if number else no_similar_pictures(query, viewer=search.viewer),
        is_empty_library=not (number or query.text),
        is_trash=query.includes_trash,
    )


def shown_pictures(
    search: Search,
    *,
    page_range: PageRange,
    saved_search: OpenSearch | None = None,
    blurs_sensitive: bool = True,
) -> LibraryPage:
    """The cards of a page range, without counts, filters and order.

    These are the same at every place in the results, so a jump along the timeline leaves them alone.
    """
    query, link = search.query, link_within(saved_search)
    # With a few pictures more: the last day gets a heading if enough of its pictures are on the next page.
    page = search.page(after=page_range.start, size=page_range.pages * PAGE_SIZE, following=MANY)
    cards = _cards_of(search, page, page_range=page_range, saved_search=saved_search, blurs_sensitive=blurs_sensitive)
    return replace(
        cards,
        previous_page=previous_page(query, page_range, saved_search) if page.images else None,
        is_newest_first=query.sort in {"taken", "newest"},
        newest_url=link(query) if page_range.start else "",
        suggested_searches=[] if query.text else suggested_searches(page.images),
    )


def suggested_searches(images: Sequence[Image]) -> list[FilterChoice]:
    """Suggested first searches, if the library has the demo's sample photos."""
    filenames = {image.filename for image in images}
    if not filenames.issuperset(SAMPLE_SEARCHES.values()):
        return []
    return [FilterChoice(text, links.library_url(parse(text)), is_current=False) for text in SAMPLE_SEARCHES]


def count_and_facets(search: Search) -> tuple[int, Facets]:
    """The number of results and their facets, by one scan unless it is sampled."""
    counts = facets_of(search)
    return search.count() if counts.total is None else counts.total, counts


def search_filters(search: Search, counts: Facets, *, saved_search: OpenSearch | None = None) -> Filters:
    query, link = search.query, link_within(saved_search)
    sampled = ngettext(
        "Counts estimated from %(number)s picture.", "Counts estimated from %(number)s pictures.", counts.counted
    )
    return Filters(
        label_groups=label_facets(query, counts, meanings=search.resolved.meanings, link=link),
        states=state_facets(query, link=link),
        trash=trash_facet(query, link=link),
        states_url=url_within("state-filter", query, saved_search),
        folders_url=url_within("folder-filter", query, saved_search),
        places_url=url_within("place-filter", query, saved_search),
        collections_url=url_within("collection-filter", query, saved_search),
        note=formatting.plural(sampled, counts.counted) if counts.is_sample else "",
    )


def library_cards(
    images: Sequence[Image],
    query: Query | None,
    *,
    viewer: Viewer,
    saved_search: OpenSearch | None,
    blurs_sensitive: bool,
) -> list[Card]:
    return cards(
        images,
        query=query,
        viewer=viewer,
        saved=saved_search.id if saved_search else "",
        sensitive=sensitive.sensitive_among(images),
        blurs_sensitive=blurs_sensitive,
    )


def next_cards(
    search: Search,
    *,
    before: PreviousEnd,
    page_range: PageRange,
    saved_search: OpenSearch | None = None,
    blurs_sensitive: bool = True,
) -> LibraryPage:
    """The next page of cards, to append to a page that shows `page_range`."""
    page = search.page(after=before.cursor, following=MANY)
    return _cards_of(
        search, page, page_range=page_range, saved_search=saved_search, blurs_sensitive=blurs_sensitive, before=before
    )


def _cards_of(
    search: Search,
    page: Page,
    *,
    page_range: PageRange,
    saved_search: OpenSearch | None,
    blurs_sensitive: bool,
    before: PreviousEnd = START,
) -> LibraryPage:
    """The cards of a page with their headings, and the link to the next page."""
    query = search.query
    cards = library_cards(
        page.images, query, viewer=search.viewer, saved_search=saved_search, blurs_sensitive=blurs_sensitive
    )
    dated = with_headings(cards, page.images, query, following=page.following, before=before)
    return LibraryPage(
        cards=dated.cards,
        cards_url=url_within("cards", query, saved_search),
        next_page=next_page(query, page.next, page_range, saved_search, is_long_day=dated.ends_in_long_day),
    )


def search_error(text: str, error: InvalidQuery) -> SearchError:
    position = min(error.column - 1, len(text))
    start = max(0, position - EXCERPT_BEFORE)
    excerpt = text[start : position + EXCERPT_AFTER]
    # The caret is shown below in a monospaced font; a tab or a line feed would shift it.
    printable = "".join(character if character.isprintable() else " " for character in excerpt)
    return SearchError(str(error), printable, " " * (position - start) + "^")


def _sorting(query: Query, saved_search: OpenSearch | None, *, has_timeline: bool) -> Sorting:
    months_url = url_within("months", query, saved_search) if has_months(query) else ""
    has_timeline = has_timeline and query.sort in TAKEN_SORTS and not query.includes_trash
    timeline_url = url_within("timeline", query, saved_search) if has_timeline else ""
    choices = sort_choices(query, link=link_within(saved_search))
    return Sorting(sort_name(query.sort), choices, months_url, timeline_url)


EMPTY_PAGE = LibraryPage()
