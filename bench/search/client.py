"""imagelib's search as its pages use it, from the query text to the pictures."""

from __future__ import annotations

from analysis.models import Viewer
from analysis.search import autocomplete, label_facets, results
from analysis.search.pagination import PAGE_SIZE, Cursor
from analysis.search.results import Page
from analysis.search.syntax.parser import parse
from bench.search.workload import MAX_COUNTED, SearchCase


class SearchClient:
    """Searches as a user, or as an anonymous visitor if `user_id` is None."""

    def __init__(self, user_id: int | None, *, sees_all: bool = False) -> None:
        self._viewer = Viewer(user_id, sees_all=sees_all)

    def page(self, case: SearchCase, *, after: Cursor | None = None, size: int = PAGE_SIZE) -> Page:
        return results.page(parse(case.text), viewer=self._viewer, after=after, size=size)

    def count(self, case: SearchCase) -> int:
        return results.count(parse(case.text), viewer=self._viewer, cap=MAX_COUNTED)

    def facets(self, case: SearchCase) -> label_facets.Facets:
        return label_facets.facets(parse(case.text), viewer=self._viewer)

    def complete(self, text: str) -> object:
        return autocomplete.complete(text, cursor=len(text), viewer=self._viewer)
