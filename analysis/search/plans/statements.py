"""Builders of statements that return rows of (image_id, key).

All of them return only matches that the viewer may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from analysis.search.pagination import ORDERINGS, UNSORTED, Cursor, Ordering
from analysis.search.plans.label_sets import label_set_candidates
from analysis.search.plans.query_parts import QueryParts
from analysis.search.sql.conditions import IMAGE_COLUMNS, visibility_filter
from analysis.search.sql.expressions import TRUE, Sql, all_of
from analysis.search.terms.base import Candidates

T = TypeVar("T")


@dataclass(frozen=True)
class Scan:
    """The requested rows: up to `limit` after a cursor; unordered for counts."""

    limit: int
    ordering: Ordering = UNSORTED
    after: Cursor | None = None
    budget: int | None = None
    """Index entries to read at most."""
    min_confidence: int = 0
    """In hundredths of a percent, for the order by confidence."""

    @property
    def sorts_by_similarity(self) -> bool:
        return self.ordering in {ORDERINGS["similarity"], ORDERINGS["similarity"].reversed}

    @property
    def cursor_values(self) -> list[Any]:
        return [self.after.key, self.after.image_id] if self.after else []

    @property
    def end(self) -> str:
        """ORDER BY and LIMIT for rows of (image_id, key)."""
        # The limit is part of the text: for a parameter, PostgreSQL's generic plan assumes a tenth of all rows.
        return f"{'' if self.ordering is UNSORTED else self.ordering.clause} LIMIT {self.limit:d}"

    def start(self, word: str = "WHERE", key: str = "key", image_id: str = "image_id") -> str:
        """The condition that rows come after the cursor.

        An index on both columns supports it as one range.
        """
        return f"{word} ({key}, {image_id}) {self.ordering.beyond} (%s, %s)" if self.after else ""

    def first_entries(self, entries: str) -> str:
        """The first entries of several scans of (image_id, key), within the budget."""
        limit = "" if self.budget is None else f"LIMIT {self.budget:d}"
        return f"SELECT * FROM ({entries}) u {self.ordering.clause} {limit}"


def confidence_scan(query: QueryParts, scan: Scan) -> Sql:
    """Matches in order of a label's confidence, from a minimum."""
    ranked = _given(query.ranked)
    visible = visibility_filter(query.resolved.viewer, "p")
    rest = query.residual_filter(ranked.part, is_indexed=False)
    # An image has one row of a label, and grouping would take as long as reading. For several labels, the cursor is
    # compared with an aggregate.
    is_one = len(ranked.labels.ids) == 1
    key, grouping = ("p.confidence", "") if is_one else ("max(p.confidence)", "GROUP BY p.image_id")
    after = scan.start("AND" if is_one else "HAVING", key, "p.image_id")
    text = f"""
        SELECT d.image_id, d.key FROM (
            SELECT p.image_id, {key} AS key FROM analysis_imagelabel p
            WHERE p.label_id = ANY(%s) AND p.confidence >= %s AND {visible.text} {grouping} {after}) d
        WHERE {rest.text} {scan.end}
    """
    minimum = max(scan.min_confidence, ranked.minimum)
    return Sql(text, (list(ranked.labels.ids), minimum, *visible.values, *scan.cursor_values, *rest.values))


def label_scan(query: QueryParts, scan: Scan) -> Sql:
    """Matches in order of time among the first visible images with the rarest label."""
    label = _given(query.scannable)
    # The index covers label, time, owner, visibility and confidence, so the table is not read, and entries that the
    # viewer may not see cost so little that they do not count against the budget.
    range_, bounds = _index_range(query, scan, "p.sort_time", "p.image_id")
    visible = visibility_filter(query.resolved.viewer, "p")
    if query.owner:
        visible = all_of([visible, Sql("p.owner_id = %s", (query.owner.id,))])
    branch = f"""
        SELECT p.image_id, p.sort_time AS key, p.sort_time, p.owner_id, p.visibility FROM analysis_imagelabel p
        WHERE p.label_id = %s AND p.confidence >= %s AND {visible.text} {range_}
    """
    filters = [label.minimum, *visible.values, *bounds]
    entries, values = _branches(scan, [(branch, [pk, *filters]) for pk in label.labels.ids])
    rest = query.residual_filter(*([label.part] if label.is_all else []))
    # DISTINCT, since an image may have several of the labels.
    distinct = "DISTINCT" if len(label.labels.ids) > 1 else ""
    text = f"SELECT {distinct} d.image_id, d.key FROM ({entries}) d WHERE {rest.text} {scan.end}"
    return Sql(text, (*values, *rest.values))


def image_scan(query: QueryParts, scan: Scan) -> Sql:
    """Matches in the order of the query among the first visible images."""
    range_, bounds = _index_range(query, scan, scan.ordering.key, "i.id")
    visible, rest = visibility_filter(query.resolved.viewer, "d"), query.residual_filter(is_inline=True)
    branch = f"""
        SELECT i.id AS image_id, {scan.ordering.key} AS key, {_columns(query)} FROM analysis_image i
        WHERE i.trashed_at IS NULL AND {{}} {query.partial_index} {range_}
    """
    filters = [(branch.format(sql.text), [*sql.values, *bounds]) for sql in _owner_filters(query, scan)]
    entries, values = _branches(scan, filters)
    text = f"SELECT d.image_id, d.key FROM ({entries}) d WHERE {visible.text} AND {rest.text} {scan.end}"
    return Sql(text, (*values, *visible.values, *rest.values))


def table_scan(query: QueryParts, scan: Scan) -> Sql:
    """Matches among all visible images."""
    # MATERIALIZED keeps the planner from reading all images in the order of an index, which takes three times as
    # long as reading the table and sorting the matches.
    base, rest = all_of([_base_filter(query), query.image_filter or TRUE]), query.residual_filter(is_inline=True)
    text = f"""
        WITH hits AS {"MATERIALIZED" if scan.ordering is not UNSORTED else "NOT MATERIALIZED"} (
            SELECT d.image_id, d.key FROM (
                SELECT i.id AS image_id, {scan.ordering.key} AS key, {_columns(query)} FROM analysis_image i
                WHERE {base.text} {query.partial_index}) d
            WHERE {rest.text})
        SELECT image_id, key FROM hits {scan.start()} {scan.end}
    """
    return Sql(text, (*base.values, *rest.values, *scan.cursor_values))


def label_sets(query: QueryParts, scan: Scan) -> Sql:
    """Matches among the images with all required and no excluded labels."""
    return fetch_candidates(query, scan, label_set_candidates(query.required, query.excluded))


def candidates(query: QueryParts, scan: Scan) -> Sql:
    """Matches among the candidates of one part."""
    return fetch_candidates(query, scan, _given(query.candidates))


def fetch_candidates(query: QueryParts, scan: Scan, candidates: Candidates) -> Sql:
    """Matches among all candidates."""
    key, values = _sort_key(query, scan, candidates)
    visible, image = visibility_filter(query.resolved.viewer, "d"), "JOIN analysis_image i ON i.id = d.image_id"
    source, is_indexed = candidates.sql.text, candidates.is_indexed
    rest = query.residual_filter(*candidates.matched, is_indexed=is_indexed, is_inline=not is_indexed)
    if not is_indexed:
        source, visible = f"SELECT DISTINCT image_id FROM ({source}) s", _base_filter(query)
    elif key == "d.sort_time":
        image = ""  # the index has all columns
    text = f"""
        SELECT image_id, key FROM (
            SELECT d.image_id, {key} AS key FROM ({source}) d {image}
            WHERE {visible.text} AND {rest.text}) hits {scan.start()} {scan.end}
    """
    return Sql(text, (*values, *candidates.sql.values, *visible.values, *rest.values, *scan.cursor_values))


def _given(source: T | None) -> T:
    """The source of a strategy, which is chosen only for queries that have one."""
    if source is None:
        raise LookupError("A strategy was chosen for a query that has no source for it.")
    return source


def _columns(query: QueryParts) -> str:
    names = ("owner_id", "visibility", *(IMAGE_COLUMNS if query.reads_images else ()))
    return ", ".join([f"{UNSORTED.key} AS sort_time", *(f"i.{name}" for name in names)])


def _owner_filters(query: QueryParts, scan: Scan) -> list[Sql]:
    """Disjoint conditions for all visible images, each with an index in this order."""
    viewer = query.resolved.viewer
    if query.owner:
        return [Sql("i.owner_id = %s", (query.owner.id,))]
    if query.is_private:
        return [Sql("i.owner_id = %s", (viewer.user_id,))]
    if viewer.sees_all:
        return [Sql("true")]
    if not scan.ordering.date_field:
        # Within the scan, so that only visible images count against its budget.
        return [visibility_filter(viewer, "i")]
    if viewer.user_id is None:
        return [Sql("i.visibility > 0")]
    # Two scans, since PostgreSQL cannot read both sides of an OR from indexes in this order.
    own = Sql("i.owner_id = %s", (viewer.user_id,))
    return [own, Sql("i.visibility > 0 AND i.owner_id <> %s", (viewer.user_id,))]


def _sort_key(query: QueryParts, scan: Scan, candidates: Candidates) -> tuple[str, tuple[Any, ...]]:
    """The SQL of the sort key of candidates, and its values."""
    if scan.sorts_by_similarity:
        return "array_position(%s::bigint[], i.id)", (_given(query.reference).ids(query.resolved),)
    if not scan.ordering.key and query.ranked:
        highest = "SELECT max(p.confidence) FROM analysis_imagelabel p WHERE p.image_id = i.id AND p.label_id = ANY(%s)"
        return f"({highest})", (list(query.ranked.labels.ids),)
    return ("d.sort_time" if candidates.is_indexed and scan.ordering.key == UNSORTED.key else scan.ordering.key), ()


def _base_filter(query: QueryParts) -> Sql:
    """Visible images, with the viewer's trash if the query includes it."""
    viewer, includes_trash = query.resolved.viewer, query.resolved.query.includes_trash
    visible = Sql("i.owner_id = %s", (viewer.user_id,)) if query.is_private else visibility_filter(viewer, "i")
    if includes_trash and viewer.sees_all:
        return TRUE
    if not includes_trash or viewer.user_id is None:
        return Sql(f"i.trashed_at IS NULL AND {visible.text}", visible.values)
    text = f"(i.owner_id = %s OR i.trashed_at IS NULL AND {visible.text})"
    return Sql(text, (viewer.user_id, *visible.values))


def _index_range(query: QueryParts, scan: Scan, key: str, image_id: str) -> tuple[str, list[Any]]:
    """The part of an index after the cursor and within the dates of the query."""
    date_field = scan.ordering.date_field
    since, before = query.span_of(date_field) if date_field else (None, None)
    tests = {f" AND {key} {sign} %s": bound for sign, bound in ((">=", since), ("<", before)) if bound}
    return scan.start(" AND", key, image_id) + "".join(tests), [*scan.cursor_values, *tests.values()]


def _branches(scan: Scan, branches: list[tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
    """The first entries of all branches within the budget, and their values."""
    values = [value for _, branch_values in branches for value in branch_values]
    if len(branches) == 1:
        return scan.first_entries(branches[0][0]), values
    # Limited in each branch, too, so that each index scan stops early.
    return scan.first_entries(" UNION ALL ".join(f"({scan.first_entries(text)})" for text, _ in branches)), values
