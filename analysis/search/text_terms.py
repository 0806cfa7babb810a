"""Text in pictures: one query of the full-text index for any of several texts, so that it is asked once for all."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.search.query import Node, Or, TextTerm
from analysis.search.sql.expressions import Sql


def is_of_texts(part: Node) -> bool:
    """A text, or one of several."""
    return all(isinstance(each, TextTerm) for each in (part.parts if isinstance(part, Or) else [part]))


def in_text(texts: Sequence[TextTerm]) -> Sql:
    """That one of them stands in the picture `d.image_id`."""
    query = _query(texts)
    found = f"SELECT t.words @@ ({query.text}) FROM analysis_imagetext t WHERE t.image_id = d.image_id"  # noqa: S608
    return Sql(f"coalesce(({found}), false)", query.values)


def with_text(texts: Sequence[TextTerm]) -> Sql:
    """The pictures in which one of them stands, with what the search's index knows of each."""
    query = _query(texts)
    text = f"""
        SELECT x.image_id, x.added_at, x.owner_id, x.visibility
        FROM analysis_imagetext t JOIN analysis_imageindex x ON x.image_id = t.image_id
        WHERE t.words @@ ({query.text})
    """  # noqa: S608
    return Sql(text, query.values)


def _query(texts: Sequence[TextTerm]) -> Sql:
    terms = ["phraseto_tsquery('simple', %s)"] * len(texts)
    return Sql(" || ".join(terms), tuple(each.text for each in texts))
