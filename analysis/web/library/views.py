"""The library: search, facets, cards, and the cards that change while they are looked at."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions
from analysis.models import Image, Viewer
from analysis.search.pagination import Cursor
from analysis.search.query import Query
from analysis.search.results import COUNT_CAP
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.web import links, sensitive, toasts
from analysis.web.http import Request, current_user_id, id_list_param, int_param, is_fragment
from analysis.web.library.page import (
    EMPTY_QUERY,
    MAX_PAGES,
    LibraryPage,
    PageRange,
    count_and_facets,
    filter_options,
    library_page,
    next_cards,
    page_range,
    page_range_url,
    search_error,
    visible_cards,
)
from analysis.web.library.sorting import months as months_of
from analysis.web.saved_searches import OpenSearch, library_url_of, open_search, searches_of
from analysis.web.upload.views import limits

STOP_POLLING = 286
MOST_LIVE = 200
LONGEST_ADDRESS = 4_000
"""Servers and proxies take at least so much of an address, as a rule."""


@require_safe
def library(request: Request) -> HttpResponse:
    """A query's pictures; as a fragment when htmx asks for the shelf or for more cards."""
    return _library(request, request.GET.get("q", ""))


@require_POST
def long_search(request: Request) -> HttpResponse:
    """The same for a query that is too long for an address; any other is led to its address."""
    text = request.POST.get("q", "")
    try:
        address = links.library_url(parse(text))
    except InvalidQuery as error:
        return _complain(request, text, error)
    return redirect(address) if len(address) <= LONGEST_ADDRESS else _library(request, text)


def _library(request: Request, text: str) -> HttpResponse:
    try:
        query = parse(text)
        with time_limit():
            return _found(request, query)
    except InvalidQuery as error:
        return _complain(request, text, error)


def _found(request: Request, query: Query) -> HttpResponse:
    viewer, saved = permissions.viewer_of(request.user), _saved(request, query)
    after = Cursor.from_text(request.GET.get("after", ""))
    if after and is_fragment(request) and "page" in request.GET:
        return _add(request, query, viewer=viewer, after=after, saved=saved)
    stretch = _stretch(request, query, viewer=viewer, start=after)
    values = library_page(
        query, viewer=viewer, stretch=stretch, saved=saved, veils=not sensitive.shows_sensitive(request)
    )
    return _answer(request, "library", {"shelf": values, "text": query.text, "query": query})


@require_safe
def cards(request: Request) -> HttpResponse:
    """Of the cards under way that a page names as `id-version`, those that changed. Ends the asking with the last."""
    versions = id_list_param(request.GET.getlist("card"), maximum=MOST_LIVE)
    viewer, query = permissions.viewer_of(request.user), _query_or_none(request.GET.get("q", ""))
    visible = Image.objects.visible_to(viewer).in_bulk(list(versions))
    saved = _saved(request, query) if query is not None else None
    veils = not sensitive.shows_sensitive(request)
    shown = visible_cards(list(visible.values()), query, viewer=viewer, saved=saved, veils=veils)
    changed = [card for card in shown if card.version != versions[int(card.id)]]
    if any(card.is_open for card in shown):
        return render(request, "library/index.html#cards_updated", {"cards": changed})
    context: dict[str, object] = {"cards": changed}
    if query is not None and visible:
        with suppress(SearchTooSlow), time_limit():
            number, counted = count_and_facets(query, viewer=viewer)
            narrower = filter_options(query, counted, saved=saved)
            context |= {"shelf": LibraryPage(line=formatting.pictures(number, cap=COUNT_CAP), offers=narrower)}
    return render(request, "library/index.html#cards_updated", context, status=STOP_POLLING)


@require_safe
def months(request: Request) -> HttpResponse:
    """The months of a result, to go to one of them."""
    try:
        query = parse(request.GET.get("q", ""))
        with time_limit():
            found = months_of(query, viewer=permissions.viewer_of(request.user))
    except InvalidQuery as error:
        return _complain(request, request.GET.get("q", ""), error)
    context = {"months": found, "text": query.text, "url": links.library_url(query)}
    return render(request, "library/months.html#list" if is_fragment(request) else "library/months.html", context)


def _add(request: Request, query: Query, *, viewer: Viewer, after: Cursor, saved: OpenSearch | None) -> HttpResponse:
    pages = int_param(request.GET.get("page", ""), maximum=10**6)
    stretch = PageRange(Cursor.from_text(request.GET.get("start", "")), pages)
    veils = not sensitive.shows_sensitive(request)
    added = next_cards(query, viewer=viewer, after=after, stretch=stretch, saved=saved, veils=veils)
    answer = _answer(request, "next_cards", {"shelf": added, "text": query.text})
    if pages <= MAX_PAGES:
        # The address keeps up with what is shown: going back to it, or reloading it, shows as much again. Not by htmx,
        # which would keep a copy of the page each time.
        answer["X-Address"] = page_range_url(query, stretch, saved)
    return answer


def _stretch(request: Request, query: Query, *, viewer: Viewer, start: Cursor | None) -> PageRange:
    to = int_param(request.GET.get("to", ""), maximum=10**18, minimum=0)
    if to and (image := Image.objects.visible_to(viewer).filter(pk=to).first()):
        return page_range(image, query, viewer=viewer)
    return PageRange(start, int_param(request.GET.get("pages", ""), maximum=MAX_PAGES))


def _complain(request: Request, text: str, error: InvalidQuery) -> HttpResponse:
    """Says what is wrong and where. What is on the page stays, if htmx asked; a whole page has nothing to keep."""
    context = {"shelf": EMPTY_QUERY, "text": text, "complaint": search_error(text, error)}
    answer = _answer(request, "search_error", context)
    if is_fragment(request):
        answer["HX-Retarget"], answer["HX-Reswap"], answer["HX-Push-Url"] = "#search-error", "outerHTML", "false"
    return answer


def _answer(request: Request, fragment: str, context: dict[str, object]) -> HttpResponse:
    name = f"library/index.html#{fragment}" if is_fragment(request) else "library/index.html"
    context |= {"limits": limits(), "searches": _searches(request, fragment)}
    if name == "library/index.html":
        context |= {"toasts": toasts.take_toasts(request)}
    answer = render(request, name, context)
    patch_vary_headers(answer, ["HX-Request"])  # one address, two answers: Back must not get the fragment
    return answer


def _searches(request: Request, fragment: str) -> list[dict[str, object]]:
    """One's saved searches, where the column beside the pictures is part of the answer."""
    if fragment == "next_cards":
        return []
    return [{"name": each.name, "url": library_url_of(each)} for each in searches_of(current_user_id(request))]


def _saved(request: Request, query: Query) -> OpenSearch | None:
    return open_search(current_user_id(request), search_id=request.GET.get("saved", ""), query=query.text)


def _query_or_none(text: str) -> Query | None:
    try:
        return parse(text)
    except InvalidQuery:
        return None
