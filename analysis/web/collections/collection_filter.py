"""Filter by collection next to the search results."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import formatting
from analysis.models import Viewer
from analysis.search.collection_facets import SAMPLE, collection_facets
from analysis.search.query import Query
from analysis.search.terms import CollectionTerm, Not
from analysis.web.http import Request
from analysis.web.library.facet_links import FacetLink
from analysis.web.library.filter_chips import Link
from analysis.web.library.filter_list import filter_list


@require_safe
def collection_filter(request: Request) -> HttpResponse:
    """The most frequent collections in a result, as links that narrow it."""
    return filter_list(request, _links, title=_("Collections"), sample=SAMPLE, empty=lambda: _("No collections."))


def _links(query: Query, viewer: Viewer, link: Link) -> tuple[list[FacetLink], bool]:
    facets, is_sample = collection_facets(query, viewer=viewer)
    rows = [
        FacetLink(
            name=facet.name,
            count=formatting.count(facet.images),
            url=link(query.without(term) if term in query.parts else query.with_part(term)),
            exclude_url="" if term in query.parts else link(query.with_part(Not(term))),
            is_active=term in query.parts,
        )
        for facet in facets
        for term in [CollectionTerm(facet.name)]
    ]
    return rows, is_sample
