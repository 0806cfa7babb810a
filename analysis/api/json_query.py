"""Searches in JSON: terms combined by `all`, `any` and `not`."""

from __future__ import annotations

from typing import Annotated

from django.utils.translation import gettext as _
from ninja import Field

from analysis.api.errors import ApiError
from analysis.api.request_body import RequestBody
from analysis.search.query import SORTS, And, Node, Query, all_of, any_of, default_sort, negation
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.typed_words import exact_part

MAX_DEPTH = 10
MAX_TERMS = 200


class JsonTerm(RequestBody):
    """Exactly one of these fields.

    `term` is one term of the search language, such as `dog>=90` or `text:exit`.
    """

    term: str | None = None
    all: Annotated[list[JsonTerm] | None, Field(max_length=MAX_TERMS)] = None
    any: Annotated[list[JsonTerm] | None, Field(max_length=MAX_TERMS)] = None
    not_: Annotated[JsonTerm | None, Field(alias="not")] = None


class JsonQuery(RequestBody):
    """A search: its `text` or a tree of terms (`where`), and the sort order."""

    text: str | None = None
    where: JsonTerm | None = None
    sort: str = ""


def query_from_json(query: JsonQuery) -> Query:
    """The query of a search in JSON. Raises ApiError or InvalidQuery."""
    if (query.text is None) == (query.where is None):
        raise ApiError(422, _("Provide either “text” or “where”."), field="query")
    if query.where is None:
        parsed = parse(query.text or "")
    else:
        parts = _parts(_node(query.where, path="query.where"))
        parsed = Query(parts, default_sort(parts))
    if query.sort:
        if query.sort not in SORTS:
            message = _("Unknown order. Choose from: %(known)s.") % {"known": ", ".join(SORTS)}
            raise ApiError(422, message, field="query.sort")
        parsed = parsed.sorted_by(query.sort)
    # Converted to text and parsed, so that the limits of length, depth and cost apply to both forms.
    return parse(parsed.text)


def query_text(text: str, query: JsonQuery | None) -> str:
    """The text of a search that a body has as text or in JSON.

    Raises ApiError or InvalidQuery.
    """
    if query is None:
        parse(text)  # so that it is rejected now instead of by a worker
        return text
    if text:
        raise ApiError(422, _("Provide either “q” or “query”."), field="query")
    return query_from_json(query).text


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, And) else (node,)


def _node(term: JsonTerm, *, path: str, depth: int = 0) -> Node:
    names = [name for name in ("term", "all", "any", "not_") if getattr(term, name) is not None]
    if len(names) != 1:
        raise ApiError(422, _("Provide exactly one of “term”, “all”, “any” and “not”."), field=path)
    if depth > MAX_DEPTH:  # the parser's limit would come too late for this recursion
        raise ApiError(422, _("At most %(limit)s levels.") % {"limit": MAX_DEPTH}, field=path)
    if term.term is not None:
        return _leaf(term.term, path=f"{path}.term")
    if term.not_ is not None:
        return negation(_node(term.not_, path=f"{path}.not", depth=depth + 1))
    name, terms = ("all", term.all) if term.all is not None else ("any", term.any or [])
    if not terms:
        raise ApiError(422, _("Provide at least one term."), field=f"{path}.{name}")
    nodes = [_node(inner, path=f"{path}.{name}.{number}", depth=depth + 1) for number, inner in enumerate(terms)]
    return all_of(nodes) if name == "all" else any_of(nodes)


def _leaf(text: str, *, path: str) -> Node:
    """One term of the search language."""
    try:
        parts = parse(text).parts
    except InvalidQuery as error:
        raise ApiError(422, str(error), field=path) from error
    if len(parts) != 1:
        raise ApiError(422, _("Provide exactly one term here; combine several with “all” or “any”."), field=path)
    # Exact, since programs name labels: terms are neither read as other labels nor joined.
    return exact_part(parts[0])
