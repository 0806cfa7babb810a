"""Filter lists next to the results, loaded when opened; pages without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlencode

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
from analysis.web.links import library_url

LinksOf = Callable[[Query, Viewer], tuple[Sequence[FacetLink], bool]]


def filter_list(
    request: Request, links_of: LinksOf, *, title: str, sample: int, empty: Callable[[], str]
) -> HttpResponse:
    """Links that narrow the query `q`: a fragment for htmx, else a page.

    `links_of` returns the links, and True if only `sample` images were counted. `empty` is the text without any links.
    """
    try:
        query = parse(request.GET.get("q", ""))
        with time_limit():
            found, is_sample = links_of(query, permissions.viewer_of(request.user))
    except InvalidQuery as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    saved = request.GET.get("saved", "")
    links = [_within(link, saved) for link in found] if saved.isdecimal() else found
    note = _("Counted in the first %(number)s pictures.") % {"number": formatting.count(sample)}
    context = {"links": links, "empty": "" if links else empty(), "note": note if is_sample else ""}
    if not is_fragment(request):
        context |= {"title": title, "text": query.text, "url": library_url(query)}
    name = "filter_list" if is_fragment(request) else "filter_page"
    response = render(request, f"library/{name}.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _within(link: FacetLink, saved: str) -> FacetLink:
    """The link within the open saved search."""

    def keep(url: str) -> str:
        return f"{url}{'&' if '?' in url else '?'}{urlencode({'saved': saved})}" if url else ""

    return replace(link, url=keep(link.url), exclude_url=keep(link.exclude_url))
