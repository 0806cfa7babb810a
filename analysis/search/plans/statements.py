"""Statements that find images: scans of an index, of candidates or of the table."""

from __future__ import annotations

from typing import Any

from analysis.search.pagination import Cursor
from analysis.search.plans.query_parts import QueryParts
from analysis.search.sql.conditions import IMAGE_COLUMNS, visibility_filter
from analysis.search.sql.expressions import TRUE, Sql, all_of
from analysis.search.terms import Node, StateTerm
from analysis.search.terms.base import Candidates, RequiredLabels

SORT_DATE_FIELDS = {"newest": "added", "oldest": "added", "taken": "taken"}


class Statements(QueryParts):
    """Statements that return rows of (image_id, key): matches that the viewer may see."""

    def confidence_scan(self, ranked: RequiredLabels, *, minimum: int, after: Cursor | None, limit: int) -> Sql:
        """Matches in order of the label's confidence, from a minimum in hundredths."""
        visible = visibility_filter(self.resolved.viewer, "p")
        rest = self.residual_filter(*_matched_by(ranked), is_indexed=False)
        # The key is an aggregate, so the cursor is compared after grouping.
        start = "HAVING (max(p.confidence), p.image_id) < (%s, %s)" if after else ""
        text = f"""
            SELECT d.image_id, d.key FROM (
                SELECT p.image_id, max(p.confidence) AS key FROM analysis_imagelabel p
                WHERE p.label_id = ANY(%s) AND p.confidence >= %s AND {visible.text}
                GROUP BY p.image_id {start}) d
            WHERE {rest.text} ORDER BY d.key DESC, d.image_id DESC LIMIT {limit:d}
        """  # noqa: S608
        values = [list(ranked.labels.ids), minimum, *visible.values, *_cursor_values(after)]
        return Sql(text, (*values, *rest.values))

    def label_index_scan(self, label: RequiredLabels, *, after: Cursor | None, limit: int, budget: int | None) -> Sql:
        """Matches in order of time among the first `budget` images with the label."""
        # The index covers label, time, owner, visibility and confidence, so it is read without the table.
        direction = "ASC" if self.sort == "oldest" else "DESC"
        range_, bounds = self._index_range("p", "image_id", after)
        owner_filter, owner_values = ("AND p.owner_id = %s", [self.owner.id]) if self.owner else ("", [])
        branch = f"""
            (SELECT p.image_id, p.added_at, p.confidence, p.owner_id, p.visibility FROM analysis_imagelabel p
             WHERE p.label_id = %s {owner_filter} {range_}
             ORDER BY p.added_at {direction}, p.image_id {direction} {_limit(budget)})
        """  # noqa: S608
        entries = " UNION ALL ".join([branch] * len(label.labels.ids))
        values = [value for pk in label.labels.ids for value in (pk, *owner_values, *bounds)]
        if len(label.labels.ids) > 1:
            entries = f"({_first_entries(entries, 'added_at', direction, budget)})"
        visible = visibility_filter(self.resolved.viewer, "d")
        rest = self.residual_filter(*_matched_by(label))
        # An image may have several of the labels.
        distinct = "DISTINCT" if len(label.labels.ids) > 1 else ""
        text = f"""
            SELECT {distinct} d.image_id, d.added_at AS key FROM ({entries}) d
            WHERE d.confidence >= %s AND {visible.text} AND {rest.text}
            ORDER BY d.added_at {direction}, d.image_id {direction} LIMIT {limit:d}
        """  # noqa: S608
        return Sql(text, (*values, label.minimum, *visible.values, *rest.values))

    def image_index_scan(self, *, after: Cursor | None, limit: int, budget: int | None) -> Sql:
        """Matches in the order of the query among the first `budget` visible images."""
        key, direction = self.order.key, self.order.direction
        range_, bounds = self._index_range("i", "id", after)
        visible, rest = visibility_filter(self.resolved.viewer, "d"), self.residual_filter(is_inline=True)
        branch = f"""
            (SELECT i.id AS image_id, {key} AS key, {self._columns()} FROM analysis_image i
             WHERE i.trashed_at IS NULL AND {{}} {self._partial_index_filter()} {range_}
             ORDER BY {key} {direction}, i.id {direction} {_limit(budget)})
        """  # noqa: S608
        owner_filters = self._owner_filters()
        entries = " UNION ALL ".join(branch.format(sql.text) for sql in owner_filters)
        values = [value for sql in owner_filters for value in (*sql.values, *bounds)]
        if len(owner_filters) > 1:
            entries = f"({_first_entries(entries, 'key', direction, budget)})"
        text = f"""
            SELECT d.image_id, d.key FROM ({entries}) d WHERE {visible.text} AND {rest.text}
            ORDER BY d.key {direction}, d.image_id {direction} LIMIT {limit:d}
        """  # noqa: S608
        return Sql(text, (*values, *visible.values, *rest.values))

    def table_scan(self, *, after: Cursor | None, limit: int, is_sorted: bool = True) -> Sql:
        """Matches among all visible images."""
        # MATERIALIZED keeps the planner from reading all images in the order of an index, which takes three times as
        # long as reading the table and sorting the matches.
        base, key = all_of([self._base_filter(), self.image_filter or TRUE]), self.order.key
        rest = self.residual_filter(is_inline=True)
        hits = f"""
            SELECT d.image_id, d.key FROM (
                SELECT i.id AS image_id, {key} AS key, {self._columns()} FROM analysis_image i
                WHERE {base.text} {self._partial_index_filter()}) d
            WHERE {rest.text}
        """  # noqa: S608
        values = (*base.values, *rest.values)
        if not is_sorted:
            return Sql(f"{hits} LIMIT {limit:d}", values)
        start = f"WHERE (key, image_id) {self.order.beyond} (%s, %s)" if after else ""
        text = f"""
            WITH hits AS MATERIALIZED ({hits})
            SELECT image_id, key FROM hits {start}
            ORDER BY key {self.order.direction}, image_id {self.order.direction} LIMIT {limit:d}
        """  # noqa: S608
        return Sql(text, (*values, *_cursor_values(after)))

    def _columns(self) -> str:
        names = IMAGE_COLUMNS if self.reads_image_columns else ()
        return ", ".join(f"i.{name}" for name in ("added_at", "owner_id", "visibility", *names))

    def _own_filter(self) -> Sql | None:
        """`is:private` means the viewer's own images unless they see everyone's."""
        viewer = self.resolved.viewer
        is_own = StateTerm("private") in self.parts and viewer.person_id is not None and not viewer.sees_all
        return Sql("i.owner_id = %s", (viewer.person_id,)) if is_own and not self.owner else None

    def _partial_index_filter(self) -> str:
        return "".join(f" AND {part.partial_index}" for part in self.parts if part.partial_index)

    def _owner_filters(self) -> list[Sql]:
        """Disjoint conditions for all visible images, each with an index in this order."""
        viewer = self.resolved.viewer
        if own := self._own_filter():
            return [own]
        if viewer.sees_all and not self.owner:
            return [Sql("true")]
        if self.owner:
            return [Sql("i.owner_id = %s", (self.owner.id,))]
        if self.order.key != "i.added_at":
            # Within the scan, so that its budget counts visible images only.
            return [visibility_filter(viewer, "i")]
        if viewer.person_id is None:
            return [Sql("i.visibility > 0")]
        own = Sql("i.owner_id = %s", (viewer.person_id,))
        return [own, Sql("i.visibility > 0 AND i.owner_id <> %s", (viewer.person_id,))]

    def fetch_candidates(
        self, candidates: Candidates, *, after: Cursor | None, limit: int, is_sorted: bool = True
    ) -> Sql:
        """Matches among all candidates."""
        order, (key, values) = self.order, self._sort_key(candidates)
        visible, image = visibility_filter(self.resolved.viewer, "d"), "JOIN analysis_image i ON i.id = d.image_id"
        source, is_indexed = candidates.sql.text, candidates.is_indexed
        rest = self.residual_filter(*candidates.matched, is_indexed=is_indexed, is_inline=not is_indexed)
        if not is_indexed:
            source, visible = f"SELECT DISTINCT image_id FROM ({source}) s", self._base_filter()  # noqa: S608
        elif key == "d.added_at":
            image = ""  # the index has all that is needed
        start = f"WHERE (key, image_id) {order.beyond} (%s, %s)" if after else ""
        text = f"""
            SELECT image_id, key FROM (
                SELECT d.image_id, {key} AS key FROM ({source}) d {image}
                WHERE {visible.text} AND {rest.text}) hits {start}
            {f"ORDER BY key {order.direction}, image_id {order.direction}" if is_sorted else ""} LIMIT {limit:d}
        """  # noqa: S608
        return Sql(text, (*values, *candidates.sql.values, *visible.values, *rest.values, *_cursor_values(after)))

    def _sort_key(self, candidates: Candidates) -> tuple[str, tuple[Any, ...]]:
        """The SQL of the sort key of candidates, and its values."""
        if self.sort == "confidence" and self.ranked:
            highest = (
                "SELECT max(p.confidence) FROM analysis_imagelabel p WHERE p.image_id = i.id AND p.label_id = ANY(%s)"
            )
            return f"({highest})", (list(self.ranked.labels.ids),)
        if self.sort == "similarity" and self.reference:
            return "array_position(%s::bigint[], i.id)", (self.reference.ids(self.resolved),)
        if candidates.is_indexed and self.order.key == "i.added_at":
            return "d.added_at", ()
        return self.order.key, ()

    def key_of(self, image_id: int) -> Sql:
        """The sort key of one image, null if it has none; not for the order by confidence."""
        if self.sort == "similarity" and self.reference:
            ids = self.reference.ids(self.resolved)
            return Sql("SELECT array_position(%s::bigint[], %s::bigint)", (ids, image_id))
        return Sql(f"SELECT {self.order.key} FROM analysis_image i WHERE i.id = %s", (image_id,))  # noqa: S608

    def _base_filter(self) -> Sql:
        """Visible images, with the viewer's trash if the query includes it."""
        viewer, includes_trash = self.resolved.viewer, self.resolved.query.includes_trash
        visible = self._own_filter() or visibility_filter(viewer, "i")
        if includes_trash and viewer.sees_all:
            return Sql("true")
        if not includes_trash or viewer.person_id is None:
            return Sql(f"i.trashed_at IS NULL AND {visible.text}", visible.values)
        text = f"(i.owner_id = %s OR i.trashed_at IS NULL AND {visible.text})"
        return Sql(text, (viewer.person_id, *visible.values))

    def _index_range(self, alias: str, column: str, after: Cursor | None) -> tuple[str, list[Any]]:
        """The part of an index after the cursor and within the dates of the query."""
        tests, values = "", list[Any]()
        key = self.order.key if alias == "i" else f"{alias}.added_at"
        if after:
            # A row comparison, which an index of both columns answers as one range.
            tests += f" AND ({key}, {alias}.{column}) {self.order.beyond} (%s, %s)"
            values += _cursor_values(after)
        field = SORT_DATE_FIELDS.get(self.sort)
        since, before = self.days_of(field) if field else (None, None)
        if since:
            tests, values = f"{tests} AND {key} >= %s", [*values, since]
        if before:
            tests, values = f"{tests} AND {key} < %s", [*values, before]
        return tests, values


def _matched_by(label: RequiredLabels) -> list[Node]:
    """The part that a scan of this label covers completely."""
    return [label.part] if label.is_all else []


def _cursor_values(cursor: Cursor | None) -> list[Any]:
    return [cursor.key, cursor.image_id] if cursor else []


def _first_entries(entries: str, key: str, direction: str, budget: int | None) -> str:
    return f"SELECT * FROM ({entries}) u ORDER BY {key} {direction}, image_id {direction} {_limit(budget)}"  # noqa: S608


def _limit(budget: int | None) -> str:
    # A number in the text: for a parameter, PostgreSQL's generic plan assumes a tenth of all rows.
    return "" if budget is None else f"LIMIT {budget:d}"
