"""A query that asks for the trash, in two: what it means outside of the trash, and what lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.search.pagination import Cursor
from analysis.search.query import And, Node, Not, Or, Query, StateTerm
from analysis.search.resolve import ResolvedQuery
from analysis.search.sql.candidates import Candidates
from analysis.search.sql.expressions import Sql, counting
from analysis.search.sql.statements import Statements

TRASHED = StateTerm("trashed")


def outside(meaning: ResolvedQuery) -> ResolvedQuery | None:
    """What a query means of pictures that are not in the trash; None where it means none of them."""
    if not meaning.query.includes_trash:
        return meaning
    parts = [_untrashed(part) for part in meaning.query.parts]
    if False in parts:
        return None
    kept = dict.fromkeys(part for part in parts if not isinstance(part, bool))
    return replace(meaning, query=Query(tuple(kept), meaning.query.sort))


class TrashQuery(Statements):
    """The pictures in one's trash; whoever runs the place sees everybody's."""

    def with_others(self, image_ids: Sequence[int], *, after: Cursor | None, limit: int, is_sorted: bool = True) -> Sql:
        """Those of which the query holds, and these."""
        person = self.meaning.viewer
        whose = "true" if person.sees_all else "owner_id = %s"
        text = f"""
            SELECT unnest(%s::bigint[]) AS image_id
            UNION ALL SELECT id FROM analysis_image WHERE trashed_at IS NOT NULL AND {whose}
        """  # noqa: S608
        given = (list(image_ids), *([] if person.sees_all else [person.person_id]))
        return self.gathered(Candidates(Sql(text, given)), after=after, limit=limit, is_sorted=is_sorted)

    def counted(self, *, cap: int) -> Sql:
        return counting(self.with_others([], after=None, limit=cap, is_sorted=False))


def _untrashed(node: Node) -> Node | bool:
    """The same where nothing is in the trash: a node without that question, or what it comes to."""
    match node:
        case StateTerm() if node == TRASHED:
            return False
        case Not(part):
            inner = _untrashed(part)
            return (not inner) if isinstance(inner, bool) else Not(inner)
        case And(parts) | Or(parts):
            settled = isinstance(node, Or)
            inners = [_untrashed(part) for part in parts]
            if settled in inners:
                return settled
            kept = tuple(dict.fromkeys(each for each in inners if not isinstance(each, bool)))
            return type(node)(kept) if len(kept) > 1 else kept[0] if kept else not settled
    return node
