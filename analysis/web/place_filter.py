"""Filter by place next to the search results."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import formatting
from analysis.models import City, Viewer
from analysis.search.place_facets import SAMPLE, place_facets
from analysis.search.query import Query
from analysis.search.terms import Not, PlaceTerm
from analysis.web.http import Request
from analysis.web.library.facet_links import FacetLink
from analysis.web.library.filter_chips import Link
from analysis.web.library.filter_list import filter_list


@require_safe
def place_filter(request: Request) -> HttpResponse:
    """The most frequent places in a result, as links that narrow it."""
    return filter_list(request, _links, title=_("Places"), sample=SAMPLE, empty=_empty)


def _links(query: Query, viewer: Viewer, link: Link) -> tuple[list[FacetLink], bool]:
    places = place_facets(query, viewer=viewer)
    facets = [
        FacetLink(
            name=facet.name,
            count=formatting.count(facet.images),
            url=link(places.narrowed(query, facet.names)),
            exclude_url=link(query.with_part(Not(PlaceTerm(facet.names)))),
            is_active=False,
        )
        for facet in places.facets
    ]
    return facets, places.is_sample


def _empty() -> str:
    if City.objects.exists():
        return _("No places.")
    return _("Place names are not loaded yet. An administrator can load them with manage.py load_places.")
