"""The library: search, facets, cards, and the cards that change while they are looked at."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from analysis import access
from analysis.models import Audience, Image
from analysis.search.query import BadQuery, Query, parse
from analysis.search.results import Place
from analysis.web.cards import cards as cards_of
from analysis.web.requests import Request, ids_in, is_fragment, number_in
from analysis.web.shelf import MOST_PAGES, NOTHING, Stretch, addition, complaint, shelf, stretch_address, stretch_to
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
    audience = access.audience_of(request.user)
    after = Place.from_text(request.GET.get("after", ""))
    if after and is_fragment(request) and "page" in request.GET:
        return _add(request, query, audience=audience, after=after)
    values = shelf(query, audience=audience, stretch=_stretch(request, query, audience=audience, start=after))
    return _answer(request, "shelf", {"shelf": values, "text": query.text, "query": query})


@require_safe
def cards(request: Request) -> HttpResponse:
    """Of the cards under way that a page names as `id-version`, those that changed. Ends the asking with the last."""
    versions = ids_in(request.GET.getlist("card"), most=MOST_LIVE)
    visible = Image.objects.visible_to(access.audience_of(request.user)).in_bulk(list(versions))
    shown = cards_of(list(visible.values()), query=_query_or_none(request.GET.get("q", "")))
    changed = [card for card in shown if card.version != versions[int(card.id)]]
    is_live = any(card.is_open for card in shown)
    return render(request, "library.html#changed", {"cards": changed}, status=200 if is_live else STOP_POLLING)


def _add(request: Request, query: Query, *, audience: Audience, after: Place) -> HttpResponse:
    pages = number_in(request.GET.get("page", ""), most=10**6)
    stretch = Stretch(Place.from_text(request.GET.get("start", "")), pages)
    added = addition(query, audience=audience, after=after, stretch=stretch)
    answer = _answer(request, "addition", {"shelf": added, "text": query.text})
    if pages <= MOST_PAGES:
        # The address keeps up with what is shown: going back to it, or reloading it, shows as much again.
        answer["HX-Replace-Url"] = stretch_address(query, stretch)
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
    answer = render(request, name, context | {"limits": limits()})
    patch_vary_headers(answer, ["HX-Request"])  # one address, two answers: Back must not get the fragment
    return answer


def _query_or_none(text: str) -> Query | None:
    try:
        return parse(text)
    except BadQuery:
        return None
