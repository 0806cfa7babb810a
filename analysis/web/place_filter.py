"""The filter by place beside the results."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import City
from analysis.search.errors import InvalidQuery
from analysis.search.place_facets import SAMPLE, place_facets
from analysis.search.syntax.parser import parse
from analysis.search.terms import Not, PlaceTerm
from analysis.search.time_limit import time_limit
from analysis.web import links
from analysis.web.http import Request
from analysis.web.library.facet_links import FacetLink


@require_safe
def place_filter(request: Request) -> HttpResponse:
    """The most frequent places of a result, as links that narrow it."""
    try:
        query = parse(request.GET.get("q", ""))
        with time_limit():
            places = place_facets(query, viewer=permissions.viewer_of(request.user))
    except InvalidQuery as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    facets = [
        FacetLink(
            name=facet.name,
            count=formatting.count(facet.images),
            url=links.library_url(places.narrowed(query, facet.names)),
            exclude_url=links.library_url(query.with_part(Not(PlaceTerm(facet.names)))),
            is_active=False,
        )
        for facet in places.facets
    ]
    note = _("Counted in the first %(number)s pictures.") % {"number": formatting.count(SAMPLE)}
    context = {"links": facets, "empty": _empty(), "note": note if places.is_sample else ""}
    return render(request, "library/filter_list.html", context)


def _empty() -> str:
    if City.objects.exists():
        return _("No places.")
    return _("Place names are not loaded yet. An administrator can load them with manage.py load_places.")
