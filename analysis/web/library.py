"""The library: search, facets, cards, and the cards that change while they are looked at."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from analysis import access
from analysis.models import Audience, Image
from analysis.search.grammar import BadQuery, parse
from analysis.search.places import Place
from analysis.search.tree import Query
from analysis.web import present, toasts, veil
from analysis.web.requests import Request, ids_in, is_fragment, number_in, person_id
from analysis.web.searches import Opened, library_address, of_person, opened
from analysis.web.shelf import (
    MOST_PAGES,
    NOTHING,
    Shelf,
    Stretch,
    addition,
    complaint,
    offers,
    shelf,
    shown_cards,
    stretch_address,
    stretch_to,
    tally,
)
from analysis.web.sorting import months as months_of
from analysis.web.upload import limits

STOP_POLLING = 286
MOST_LIVE = 200


@require_safe
def library(request: Request) -> HttpResponse:
    """A query's pictures; as a fragment when htmx asks for the shelf or for more cards."""
    text = request.GET.get("q", "")
    try:
        query = parse(text)
    except BadQuery as error:
        return _complain(request, text, error)
    audience, saved = access.audience_of(request.user), _saved(request, query)
    after = Place.from_text(request.GET.get("after", ""))
    if after and is_fragment(request) and "page" in request.GET:
        return _add(request, query, audience=audience, after=after, saved=saved)
    stretch = _stretch(request, query, audience=audience, start=after)
    values = shelf(query, audience=audience, stretch=stretch, saved=saved, veils=not veil.shows(request))
    return _answer(request, "shelf", {"shelf": values, "text": query.text, "query": query})


@require_safe
def cards(request: Request) -> HttpResponse:
    """Of the cards under way that a page names as `id-version`, those that changed. Ends the asking with the last."""
    versions = ids_in(request.GET.getlist("card"), most=MOST_LIVE)
    audience, query = access.audience_of(request.user), _query_or_none(request.GET.get("q", ""))
    visible = Image.objects.visible_to(audience).in_bulk(list(versions))
    saved = _saved(request, query) if query is not None else None
    veils = not veil.shows(request)
    shown = shown_cards(list(visible.values()), query, audience=audience, saved=saved, veils=veils)
    changed = [card for card in shown if card.version != versions[int(card.id)]]
    if any(card.is_open for card in shown):
        return render(request, "library.html#changed", {"cards": changed})
    context: dict[str, object] = {"cards": changed}
    if query is not None and visible:
        number, counted = tally(query, audience=audience)
        narrower = offers(query, counted, saved=saved)
        context |= {"shelf": Shelf(line=present.pictures(number), offers=narrower)}
    return render(request, "library.html#changed", context, status=STOP_POLLING)


@require_safe
def months(request: Request) -> HttpResponse:
    """The months of a result, to go to one of them."""
    try:
        query = parse(request.GET.get("q", ""))
    except BadQuery as error:
        return _complain(request, request.GET.get("q", ""), error)
    found = months_of(query, audience=access.audience_of(request.user))
    context = {"months": found, "text": query.text, "url": present.library_url(query)}
    return render(request, "months.html#list" if is_fragment(request) else "months.html", context)


def _add(request: Request, query: Query, *, audience: Audience, after: Place, saved: Opened | None) -> HttpResponse:
    pages = number_in(request.GET.get("page", ""), most=10**6)
    stretch = Stretch(Place.from_text(request.GET.get("start", "")), pages)
    veils = not veil.shows(request)
    added = addition(query, audience=audience, after=after, stretch=stretch, saved=saved, veils=veils)
    answer = _answer(request, "addition", {"shelf": added, "text": query.text})
    if pages <= MOST_PAGES:
        # The address keeps up with what is shown: going back to it, or reloading it, shows as much again. Not by htmx,
        # which would keep a copy of the page each time.
        answer["X-Address"] = stretch_address(query, stretch, saved)
    return answer


def _stretch(request: Request, query: Query, *, audience: Audience, start: Place | None) -> Stretch:
    to = number_in(request.GET.get("to", ""), most=10**18, least=0)
    if to and (image := Image.objects.visible_to(audience).filter(pk=to).first()):
        return stretch_to(image, query, audience=audience)
    return Stretch(start, number_in(request.GET.get("pages", ""), most=MOST_PAGES))


def _complain(request: Request, text: str, error: BadQuery) -> HttpResponse:
    """Says what is wrong and where. What is on the page stays, if htmx asked; a whole page has nothing to keep."""
    context = {"shelf": NOTHING, "text": text, "complaint": complaint(text, error)}
    answer = _answer(request, "complaint", context)
    if is_fragment(request):
        answer["HX-Retarget"], answer["HX-Reswap"], answer["HX-Push-Url"] = "#complaint", "outerHTML", "false"
    return answer


def _answer(request: Request, fragment: str, context: dict[str, object]) -> HttpResponse:
    name = f"library.html#{fragment}" if is_fragment(request) else "library.html"
    context |= {"limits": limits(), "searches": _searches(request, fragment)}
    if name == "library.html":
        context |= {"toasts": toasts.take(request)}
    answer = render(request, name, context)
    patch_vary_headers(answer, ["HX-Request"])  # one address, two answers: Back must not get the fragment
    return answer


def _searches(request: Request, fragment: str) -> list[dict[str, object]]:
    """One's saved searches, where the column beside the pictures is part of the answer."""
    if fragment == "addition":
        return []
    return [{"name": each.name, "url": library_address(each)} for each in of_person(person_id(request))]


def _saved(request: Request, query: Query) -> Opened | None:
    return opened(person_id(request), search_id=request.GET.get("saved", ""), query=query.text)


def _query_or_none(text: str) -> Query | None:
    try:
        return parse(text)
    except BadQuery:
        return None
