"""Our own search as its pages ask it: a text is parsed, its tree becomes SQL, its rows become pictures."""

from __future__ import annotations

from analysis.models import Audience
from analysis.search import facets, results
from analysis.search.grammar import parse
from analysis.search.places import Place
from analysis.search.results import Page
from bench.search_measured import MOST_COUNTED
from bench.search_questions import Question


class Ours:
    """What these eyes see; none are those of somebody who is not signed in."""

    def __init__(self, reader: int | None, *, sees_all: bool = False) -> None:
        self._audience = Audience(reader, sees_all=sees_all)

    def page(self, question: Question, *, after: Place | None = None, size: int = results.PAGE_SIZE) -> Page:
        return results.page(parse(question.text), audience=self._audience, after=after, size=size)

    def count(self, question: Question) -> int:
        return results.count(parse(question.text), audience=self._audience, cap=MOST_COUNTED)

    def facets(self, question: Question) -> facets.Facets:
        return facets.facets(parse(question.text), audience=self._audience)

    def complete(self, text: str) -> object:
        from analysis.search import complete  # noqa: PLC0415 # arrives with the new search

        return complete.complete(text, cursor=len(text), audience=self._audience)
