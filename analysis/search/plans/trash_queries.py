"""Splits queries with `is:trashed` into one outside the trash and one in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.search.plans.query_parts import QueryParts
from analysis.search.plans.statements import Scan, fetch_candidates
from analysis.search.query import DEFAULT_SORT, TRASHED, Query, default_sort
from analysis.search.resolve import ResolvedQuery
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Candidates


def without_trash(resolved: ResolvedQuery) -> ResolvedQuery | None:
    """The query for images outside the trash; None if it matches none of them."""
    if not resolved.query.includes_trash:
        return resolved
    parts = [part.assuming_false(TRASHED) for part in resolved.query.parts]
    if False in parts:
        return None
    remaining = dict.fromkeys(part for part in parts if not isinstance(part, bool))
    # Decided by the original parts: a `similar:` may have become the only term of an OR, but both halves of the result
    # need the same order.
    is_sortable = resolved.query.sort != "similarity" or default_sort(resolved.query.parts) == "similarity"
    return replace(resolved, query=Query(tuple(remaining), resolved.query.sort if is_sortable else DEFAULT_SORT))


def in_trash(query: QueryParts, scan: Scan, *, or_among: Sequence[int] = ()) -> Sql:
    """Matches among these images and in the trash that the viewer sees."""
    viewer = query.resolved.viewer
    owner_filter = "true" if viewer.sees_all else "owner_id = %s"
    text = f"""
        SELECT unnest(%s::bigint[]) AS image_id
        UNION ALL SELECT id FROM analysis_image WHERE trashed_at IS NOT NULL AND {owner_filter}
    """
    values = (list(or_among), *([] if viewer.sees_all else [viewer.user_id]))
    return fetch_candidates(query, scan, Candidates(Sql(text, values)))
