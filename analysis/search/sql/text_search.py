"""SQL for text detected in images."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.search.nodes import Node, Or, TextTerm
from analysis.search.sql.expressions import Sql


def is_text_search(part: Node) -> bool:
    """A text term, or alternatives that are all text terms."""
    return all(isinstance(term, TextTerm) for term in (part.parts if isinstance(part, Or) else [part]))


def text_condition(texts: Sequence[TextTerm]) -> Sql:
    """The image `d.image_id` contains one of the texts."""
    query = _tsquery(texts)
    match = f"SELECT t.words @@ ({query.text}) FROM analysis_imagetext t WHERE t.image_id = d.image_id"  # noqa: S608
    return Sql(f"coalesce(({match}), false)", query.values)


def text_matches(texts: Sequence[TextTerm]) -> Sql:
    """Images with one of the texts, and their added_at, owner_id and visibility."""
    query = _tsquery(texts)
    text = f"""
        SELECT x.image_id, x.added_at, x.owner_id, x.visibility
        FROM analysis_imagetext t JOIN analysis_imageindex x ON x.image_id = t.image_id
        WHERE t.words @@ ({query.text})
    """  # noqa: S608
    return Sql(text, query.values)


def _tsquery(texts: Sequence[TextTerm]) -> Sql:
    # One tsquery for all alternatives is one scan of the GIN index instead of one for each.
    terms = ["phraseto_tsquery('simple', %s)"] * len(texts)
    return Sql(" || ".join(terms), tuple(term.text for term in texts))
