"""Similar pictures on the image page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis import permissions
from analysis.search import results
from analysis.search.query import Query, default_sort
from analysis.search.terms import SimilarTerm
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.web import links, sensitive
from analysis.web.http import Request
from analysis.web.library.cards import Card, cards
from analysis.web.library.similarity import no_similar_pictures

NUMBER = 8
"""Similar pictures on the image page: two rows."""


def similar_query(image_id: int) -> Query:
    """The search for pictures similar to one."""
    parts = (SimilarTerm(str(image_id)),)
    return Query(parts, default_sort(parts))


@require_safe
def similar(request: Request, image_id: int) -> HttpResponse:
    """Fragment with the most similar pictures, which the image page loads."""
    image = permissions.get_image_or_404(request.user, image_id)
    query = similar_query(image.pk)
    try:
        with time_limit():
            similar_cards = _similar_cards(request, query)
            note = "" if similar_cards else no_similar_pictures(query, viewer=permissions.viewer_of(request.user))
    except SearchTooSlow as error:
        similar_cards, note = [], str(error)
    context = {"cards": similar_cards, "note": note, "similar_url": links.library_url(query)}
    return render(request, "image/similar.html", context)


def _similar_cards(request: Request, query: Query) -> list[Card]:
    viewer = permissions.viewer_of(request.user)
    images = results.page(query, viewer=viewer, size=NUMBER).images
    return cards(
        images,
        query=query,
        sensitive=sensitive.sensitive_among(images),
        blurs_sensitive=not sensitive.shows_sensitive(request),
    )
