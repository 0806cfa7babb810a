"""Library views: search results, infinite scroll, updates of pending cards."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions
from analysis.curation.bulk import MAX_IDS
from analysis.models import Image
from analysis.search.pagination import DEFAULT_SORT, TAKEN_SORTS, Cursor
from analysis.search.query import Query
from analysis.search.results import COUNT_CAP, Search
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.web import links, sensitive, toasts
from analysis.web.http import Request, current_user_id, int_param, is_fragment
from analysis.web.library.date_headings import PreviousEnd, ids_of_period, period_of
from analysis.web.library.page import (
    EMPTY_PAGE,
    LibraryPage,
    count_and_facets,
    library_cards,
    library_page,
    next_cards,
    search_error,
    search_filters,
    shown_pictures,
)
from analysis.web.library.page_links import (
    MAX_PAGES,
    PageRange,
    link_within,
    page_range_of,
    page_range_url,
    url_within,
)
from analysis.web.library.polled_cards import STOP_POLLING, PolledCards
from analysis.web.library.previous_cards import previous_cards
from analysis.web.library.sorting import is_ascending
from analysis.web.library.sorting import months as months_of
from analysis.web.library.timeline import TimelineMonth, timeline_of
from analysis.web.saved_searches import OpenSearch, library_url_of, open_search, searches_of
from analysis.web.upload.targets import choices
from analysis.web.upload.views import limits

SHOWN_PICTURES = "shown-pictures"
"""The element that a jump along the timeline replaces; filters and counts stay."""
MAX_URL_LENGTH = 4_000
"""Servers and proxies commonly accept at least this much of a URL."""


@require_safe
def library(request: Request) -> HttpResponse:
    """The results of a query; a fragment if htmx requests it."""
    return _search(request, request.GET.get("q", ""))


@require_POST
def long_search(request: Request) -> HttpResponse:
    """The results of a query too long for a URL; shorter ones redirect to their URL."""
    text = request.POST.get("q", "")
    try:
        url = links.library_url(parse(text))
    except InvalidQuery as error:
        return _invalid_query(request, text, error)
    # A search with a URL can be bookmarked, shared and reloaded; reloading a POST asks to send the form again.
    return redirect(url) if len(url) <= MAX_URL_LENGTH else _search(request, text)


def _search(request: Request, text: str) -> HttpResponse:
    try:
        query = parse(text)
        with time_limit():
            return _results(request, query)
    except InvalidQuery as error:
        return _invalid_query(request, text, error)


def _results(request: Request, query: Query) -> HttpResponse:
    search, saved_search = Search(query, permissions.viewer_of(request.user)), _saved_search(request, query)
    after = Cursor.from_text(request.GET.get("after", ""))
    # A fragment without "page" is a new search, which htmx sends while the old cursor is still in the URL.
    if after and is_fragment(request) and "page" in request.GET:
        return _next_cards(request, search, after=after, saved_search=saved_search)
    before = Cursor.from_text(request.GET.get("before", ""))
    if before and is_fragment(request) and "page" in request.GET:
        return _previous_cards(request, search, end=before, saved_search=saved_search)
    if before:
        # A link to the previous cards, opened without JavaScript: the page begins where they do.
        after = search.page_until(before)[0]
    page_range, blurs_sensitive = _page_range(request, search, start=after), not sensitive.shows_sensitive(request)
    is_jump = is_fragment(request) and request.htmx.target == SHOWN_PICTURES
    if is_jump:
        page = shown_pictures(search, page_range=page_range, saved_search=saved_search, blurs_sensitive=blurs_sensitive)
        if page.cards:
            return _render(request, "shown_pictures", {"library": page, "text": query.text})
    page = library_page(search, page_range=page_range, saved_search=saved_search, blurs_sensitive=blurs_sensitive)
    response = _render(request, "library", {"library": page, "text": query.text, "query": query})
    if is_jump:
        response["HX-Retarget"] = "#library"
    return response


@require_safe
def cards(request: Request) -> HttpResponse:
    """Those of the cards in `card=id-version` that have changed, for polling."""
    polled = PolledCards(request)
    viewer, query = permissions.viewer_of(request.user), _query_or_none(request.GET.get("q", ""))
    visible = Image.objects.visible_to(viewer).in_bulk(list(polled.versions))
    saved_search = _saved_search(request, query) if query is not None else None
    current = library_cards(
        list(visible.values()),
        query,
        viewer=viewer,
        saved_search=saved_search,
        blurs_sensitive=not sensitive.shows_sensitive(request),
    )
    context: dict[str, object] = {"cards": polled.changed(current)}
    # Counts and filters follow once at the end: they change with each result and cost more than all the cards.
    if polled.are_pending(current):
        return render(request, "library/index.html#cards_updated", context)
    if query is not None and polled.versions:
        with suppress(SearchTooSlow), time_limit():
            search = Search(query, viewer)
            number, counts = count_and_facets(search)
            filters = search_filters(search, counts, saved_search=saved_search)
            pictures = formatting.pictures(number, cap=COUNT_CAP)
            total = formatting.capped_count(number, cap=COUNT_CAP)
            context["library"] = LibraryPage(pictures=pictures, total=total, filters=filters)
    return render(request, "library/index.html#cards_updated", context, status=STOP_POLLING)


@require_safe
def months(request: Request) -> HttpResponse:
    """The months of a result, as links into it."""
    try:
        query = parse(request.GET.get("q", ""))
        with time_limit():
            saved_search = _saved_search(request, query)
            link, viewer = link_within(saved_search), permissions.viewer_of(request.user)
            listed = months_of(query, viewer=viewer, link=link, after=Cursor.from_text(request.GET.get("after", "")))
    except InvalidQuery as error:
        return _invalid_query(request, request.GET.get("q", ""), error)
    more_url = url_within("months", query, saved_search, after=str(listed.end)) if listed.end else ""
    context = {"months": listed.months, "more_url": more_url, "text": query.text, "url": link(query)}
    return render(request, "library/months.html#list" if is_fragment(request) else "library/months.html", context)


@require_safe
def timeline(request: Request) -> HttpResponse:
    """The timeline next to the grid: the months of a result sorted by date taken."""
    try:
        query = parse(request.GET.get("q", ""))
    except InvalidQuery as error:
        return _invalid_query(request, request.GET.get("q", ""), error)
    entries: list[TimelineMonth] = []
    # Without entries the timeline is hidden, and the grid works without it.
    with suppress(SearchTooSlow), time_limit():
        query = query if query.sort in TAKEN_SORTS else query.sorted_by(DEFAULT_SORT)
        link = link_within(_saved_search(request, query))
        entries = timeline_of(Search(query, permissions.viewer_of(request.user)), link=link)
    return render(request, "library/timeline.html", {"months": entries, "is_ascending": is_ascending(query)})


@require_safe
def period_ids(request: Request) -> JsonResponse:
    """The ids of a result's pictures in one month or day, to select them."""
    query, period = _query_or_none(request.GET.get("q", "")), period_of(request.GET.get("period", ""))
    if query is None or period is None:
        return JsonResponse({"message": _("These pictures can't be selected. Reload the page and try again.")})
    try:
        with time_limit():
            ids = ids_of_period(Search(query.sorted_by(DEFAULT_SORT), permissions.viewer_of(request.user)), period)
    except SearchTooSlow as error:
        return JsonResponse({"message": str(error)})
    if ids is None:
        message = _("At most %(limit)s pictures can be selected at once. Select a shorter period.")
        return JsonResponse({"message": message % {"limit": formatting.count(MAX_IDS)}})
    return JsonResponse({"ids": [str(image_id) for image_id in ids]})


def _next_cards(request: Request, search: Search, *, after: Cursor, saved_search: OpenSearch | None) -> HttpResponse:
    pages = int_param(request.GET.get("page", ""), maximum=10**6)
    page_range = PageRange(Cursor.from_text(request.GET.get("start", "")), pages)
    page = next_cards(
        search,
        before=PreviousEnd(after, is_long_day=request.GET.get("day") == "long"),
        page_range=page_range,
        saved_search=saved_search,
        blurs_sensitive=not sensitive.shows_sensitive(request),
    )
    response = _render(request, "next_cards", {"library": page, "text": search.query.text})
    if pages <= MAX_PAGES:
        # scroll_restore.js puts this URL into the address bar, so that Back and Reload show as many cards again.
        # With HX-Push-Url or HX-Replace-Url, htmx would store a copy of the page each time.
        response["X-Address"] = page_range_url(search.query, page_range, saved_search)
    return response


def _previous_cards(request: Request, search: Search, *, end: Cursor, saved_search: OpenSearch | None) -> HttpResponse:
    page = previous_cards(
        search,
        end=end,
        pages=int_param(request.GET.get("page", ""), maximum=10**6),
        saved_search=saved_search,
        blurs_sensitive=not sensitive.shows_sensitive(request),
    )
    return render(request, "library/index.html#previous_cards", {"library": page})


def _page_range(request: Request, search: Search, *, start: Cursor | None) -> PageRange:
    image_id = int_param(request.GET.get("to", ""), maximum=10**18, minimum=0)
    if image_id and (image := Image.objects.visible_to(search.viewer).filter(pk=image_id).first()):
        return page_range_of(image, search)
    return PageRange(start, int_param(request.GET.get("pages", ""), maximum=MAX_PAGES))


def _invalid_query(request: Request, text: str, error: InvalidQuery) -> HttpResponse:
    """The page or fragment with a syntax error."""
    # htmx gets the error alone, so that the current results stay on the page.
    context = {"library": EMPTY_PAGE, "text": text, "search_error": search_error(text, error)}
    response = _render(request, "search_error", context)
    if is_fragment(request):
        response["HX-Retarget"], response["HX-Reswap"], response["HX-Push-Url"] = "#search-error", "outerHTML", "false"
    return response


def _render(request: Request, fragment: str, context: dict[str, object]) -> HttpResponse:
    is_part = is_fragment(request)
    context["limits"] = limits()
    # An empty library shows the upload target first; otherwise the dock offers it once something is uploaded.
    page = context.get("library")
    context["target"] = choices(request) if isinstance(page, LibraryPage) and page.is_empty_library else None
    context["searches"] = [] if fragment in {"next_cards", "shown_pictures"} else _own_searches(request)
    if not is_part:
        context["toasts"] = toasts.take_toasts(request)
    response = render(request, f"library/index.html#{fragment}" if is_part else "library/index.html", context)
    # One URL with several bodies: Back must not show a cached fragment.
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _own_searches(request: Request) -> list[dict[str, object]]:
    return [{"name": search.name, "url": library_url_of(search)} for search in searches_of(current_user_id(request))]


def _saved_search(request: Request, query: Query) -> OpenSearch | None:
    return open_search(current_user_id(request), search_id=request.GET.get("saved", ""), query=query.text)


def _query_or_none(text: str) -> Query | None:
    try:
        return parse(text)
    except InvalidQuery:
        return None
