"""Filter by state next to the results: favorites, with text, shared, failed."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis.models import Viewer
from analysis.search.brief_counts import COUNT_CAP
from analysis.search.query import Query
from analysis.web.http import Request
from analysis.web.library.facet_links import FacetLink, counted_state_facets
from analysis.web.library.filter_chips import Link
from analysis.web.library.filter_list import filter_list

SECONDS = 1.0
"""Time limit for all counts together."""


@require_safe
def state_filter(request: Request) -> HttpResponse:
    """The states of pictures in a result, as links that narrow it."""
    return filter_list(request, _links, title=_("States"), sample=COUNT_CAP, empty=_empty)


def _links(query: Query, viewer: Viewer, link: Link) -> tuple[list[FacetLink], bool]:
    return counted_state_facets(query, viewer=viewer, seconds=SECONDS, link=link), False


def _empty() -> str:
    return _("None.")
