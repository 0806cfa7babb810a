"""Filters next to the results, loaded when opened: folders and places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from analysis import formatting, permissions
from analysis.models import Viewer
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import time_limit
from analysis.web.http import Request
from analysis.web.library.facet_links import FacetLink

LinksOf = Callable[[Query, Viewer], tuple[Sequence[FacetLink], bool]]


def filter_list(request: Request, links_of: LinksOf, *, sample: int, empty: Callable[[], str]) -> HttpResponse:
    """Links that narrow the query `q`, as a fragment.

    `links_of` returns them, and whether only `sample` images were counted; `empty` the sentence where there are none.
    """
    try:
        query = parse(request.GET.get("q", ""))
        with time_limit():
            links, is_sample = links_of(query, permissions.viewer_of(request.user))
    except InvalidQuery as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    note = _("Counted in the first %(number)s pictures.") % {"number": formatting.count(sample)}
    context = {"links": links, "empty": "" if links else empty(), "note": note if is_sample else ""}
    return render(request, "library/filter_list.html", context)
