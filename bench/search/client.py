"""Our own search as its pages ask it: a text is parsed, its tree becomes SQL, its rows become pictures."""

from __future__ import annotations

from analysis.models import Viewer
from analysis.search import facets, results
from analysis.search.pagination import Cursor
from analysis.search.results import Page
from analysis.search.syntax.parser import parse
from bench.search.workload import MAX_COUNTED, SearchCase


class SearchClient:
    """What these eyes see; none are those of somebody who is not signed in."""

    def __init__(self, reader: int | None, *, sees_all: bool = False) -> None:
        self._viewer = Viewer(reader, sees_all=sees_all)

    def page(self, question: SearchCase, *, after: Cursor | None = None, size: int = results.PAGE_SIZE) -> Page:
        return results.page(parse(question.text), viewer=self._viewer, after=after, size=size)

    def count(self, question: SearchCase) -> int:
        return results.count(parse(question.text), viewer=self._viewer, cap=MAX_COUNTED)

    def facets(self, question: SearchCase) -> facets.Facets:
        return facets.facets(parse(question.text), viewer=self._viewer)

    def complete(self, text: str) -> object:
        from analysis.search import autocomplete  # noqa: PLC0415 # arrives with the new search

        return autocomplete.complete(text, cursor=len(text), viewer=self._viewer)
