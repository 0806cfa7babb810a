"""Filter lists next to the results, loaded when opened; pages without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from analysis import formatting, permissions
from analysis.models import Viewer
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import time_limit
from analysis.web.http import Request, is_fragment
from analysis.web.library.facet_links import FacetLink
from analysis.web.library.filter_chips import Link
from analysis.web.links import library_url

LinksOf = Callable[[Query, Viewer, Link], tuple[Sequence[FacetLink], bool]]


def filter_list(
    request: Request, links_of: LinksOf, *, title: str, sample: int, empty: Callable[[], str]
) -> HttpResponse:
    """Links that narrow the query `q`: a fragment for htmx, else a page.

    `links_of` returns the links, whose URLs its last argument builds, and True if only `sample` images were counted.
    `empty` is the text without any links.
    """
    saved = request.GET.get("saved", "")
    link = partial(library_url, saved=saved if saved.isdecimal() else "")
    try:
        query = parse(request.GET.get("q", ""))
        with time_limit():
            links, is_sample = links_of(query, permissions.viewer_of(request.user), link)
    except InvalidQuery as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    note = _("Counted in the first %(number)s pictures.") % {"number": formatting.count(sample)}
    context = {"links": links, "empty": "" if links else empty(), "note": note if is_sample else ""}
    if not is_fragment(request):
        context |= {"title": title, "text": query.text, "url": library_url(query)}
    name = "filter_list" if is_fragment(request) else "filter_page"
    response = render(request, f"library/{name}.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response
