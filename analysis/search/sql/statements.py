"""A query's parts, sorted by what they are good for, and the statements that find pictures by them."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

from analysis.search.pagination import ORDERINGS, Cursor, Ordering
from analysis.search.query import DateTerm, FieldTerm, HasTerm, LabelTerm, Node, RelativeDateTerm, StateTerm
from analysis.search.resolve import Owner, ResolvedQuery
from analysis.search.sql.candidates import (
    SEPARATE_INDEXES,
    Candidates,
    RequiredLabels,
    by_labels,
    candidates,
    excluded_labels,
    index_filter,
    required_labels,
    table_candidates,
)
from analysis.search.sql.conditions import COLUMNS, condition, days, in_index, visibility_filter
from analysis.search.sql.expressions import FALSE, TRUE, Sql, all_of

BUDGET = 3_000
"""Entries of one index looked at before something else is tried: some ten milliseconds."""
MOST_BRANCHES = 8
"""A word that means more labels than this is not walked along: each would be a walk of its own."""

LABELS_AS_QUICK = 20
"""So many entries of a label's index are gone through in the time that one picture takes."""
DATED = {"newest": "added", "oldest": "added", "taken": "taken"}
"""The moment that an order goes by."""


class Statements:
    """Each gives rows of (image id, key) that may be seen and of which all of the query holds."""

    def __init__(self, meaning: ResolvedQuery, *, budget: int = BUDGET, ranked_by: LabelTerm | None = None) -> None:
        self.meaning, self.parts, self.budget = meaning, meaning.query.parts, budget
        self.ranked_by = ranked_by or first_label(meaning)
        self.carried = sorted(
            (carried for part in self.parts for carried in required_labels(part, meaning)),
            key=lambda each: (each.labels.image_count, each.labels.ids),
        )
        self.excluded = {part: labels for part in self.parts if (labels := excluded_labels(part, meaning))}
        self.conditions = {part: condition(part, meaning) for part in self.parts}
        self.sort = meaning.query.sort if self.ranked or meaning.query.sort != "confidence" else "newest"

    @property
    def order(self) -> Ordering:
        return ORDERINGS[self.sort]

    @property
    def is_empty(self) -> bool:
        """A wanted label that does not exist: no picture can carry it."""
        return FALSE in self.conditions.values() or any(not each.labels.ids for each in self.carried)

    @property
    def ranked(self) -> RequiredLabels | None:
        """The label whose confidence sorts the result: the one asked for first."""
        return next((each for each in self.carried if each.part == self.ranked_by), None)

    @property
    def driver(self) -> RequiredLabels | None:
        """The rarest label that can be walked along."""
        return next((each for each in self.carried if len(each.labels.ids) <= MOST_BRANCHES), None)

    @cached_property
    def selector(self) -> Candidates | None:
        """The few candidates of a selective part, whatever their order."""
        found = (candidates(part, self.meaning) for part in self.parts)
        return next((each for each in found if each), None)

    @cached_property
    def listed(self) -> Candidates | None:
        """The candidates of a part that may hold of few pictures or of many, from another table.

        Faces and text are in so many pictures that a label finds fewer.
        """
        parts = [part for part in self.parts if not (self.carried and isinstance(part, HasTerm))]
        return next((each for part in parts if (each := table_candidates(part))), None)

    @cached_property
    def narrowed(self) -> Sql | None:
        """What an index of the pictures themselves tells of a part that may hold of few or of many."""
        found = (index_filter(part, self.meaning) for part in self.parts)
        return next((each for each in found if each), None)

    @property
    def owner(self) -> Owner | None:
        """Whose pictures alone are asked for."""
        named = (part for part in self.parts if isinstance(part, FieldTerm) and part.field == "owner")
        return next((self.meaning.owners[part.text] for part in named), None)

    @property
    def is_owned_by_few(self) -> bool:
        """To look at all of a person's pictures takes less than to look for theirs among a label's."""
        if self.owner is None or not self.owner.has_few:
            return False
        return not self.carried or self.carried[0].labels.image_count > LABELS_AS_QUICK * self.owner.number

    def rest(self, *answered: Node, is_indexed: bool = True, is_at_hand: bool = False) -> Sql:
        """What is still to be asked of each candidate; from its own columns where it has them."""
        asked = [(part, sql) for part, sql in self.conditions.items() if part not in answered]
        found = all_of((is_indexed and in_index(part, self.meaning)) or sql for part, sql in asked)
        return found.at_hand if is_at_hand else found

    def _done(self, walked: RequiredLabels) -> list[Node]:
        return [walked.part] if walked.is_all else []

    def by_rank(self, ranked: RequiredLabels, *, minimum: int, after: Cursor | None, limit: int) -> Sql:
        visible, rest = visibility_filter(self.meaning.viewer, "p"), self.rest(*self._done(ranked), is_indexed=False)
        start = "HAVING (max(p.confidence), p.image_id) < (%s, %s)" if after else ""
        text = f"""
            SELECT d.image_id, d.key FROM (
                SELECT p.image_id, max(p.confidence) AS key FROM analysis_imagelabel p
                WHERE p.label_id = ANY(%s) AND p.confidence >= %s AND {visible.text}
                GROUP BY p.image_id {start}) d
            WHERE {rest.text} ORDER BY d.key DESC, d.image_id DESC LIMIT {limit:d}
        """  # noqa: S608
        given = [list(ranked.labels.ids), minimum, *visible.values, *([after.key, after.image_id] if after else [])]
        return Sql(text, (*given, *rest.values))

    def along_label(self, driver: RequiredLabels, *, after: Cursor | None, limit: int, budget: int | None) -> Sql:
        """The label's own index, which knows the time, who may see it and the confidence."""
        way = "ASC" if self.sort == "oldest" else "DESC"
        range_, bounds = self._range("p", "image_id", after)
        owned, whose = ("AND p.owner_id = %s", [self.owner.id]) if self.owner else ("", [])
        branch = f"""
            (SELECT p.image_id, p.added_at, p.confidence, p.owner_id, p.visibility FROM analysis_imagelabel p
             WHERE p.label_id = %s {owned} {range_} ORDER BY p.added_at {way}, p.image_id {way} {_first(budget)})
        """  # noqa: S608
        entries = " UNION ALL ".join([branch] * len(driver.labels.ids))
        given = [value for pk in driver.labels.ids for value in (pk, *whose, *bounds)]
        if len(driver.labels.ids) > 1:
            entries = f"(SELECT * FROM ({entries}) u ORDER BY added_at {way}, image_id {way} {_first(budget)})"  # noqa: S608
        visible, rest = visibility_filter(self.meaning.viewer, "d"), self.rest(*self._done(driver))
        distinct = "DISTINCT" if len(driver.labels.ids) > 1 else ""
        text = f"""
            SELECT {distinct} d.image_id, d.added_at AS key FROM ({entries}) d
            WHERE d.confidence >= %s AND {visible.text} AND {rest.text}
            ORDER BY d.added_at {way}, d.image_id {way} LIMIT {limit:d}
        """  # noqa: S608
        return Sql(text, (*given, driver.minimum, *visible.values, *rest.values))

    def along_images(self, *, after: Cursor | None, limit: int, budget: int | None) -> Sql:
        """The pictures in the result's order: one's own and those opened to one by indexes of their own."""
        key, way = self.order.key, self.order.direction
        range_, bounds = self._range("i", "id", after)
        whose, visible, rest = self._whose(), visibility_filter(self.meaning.viewer, "d"), self.rest(is_at_hand=True)
        branch = f"""
            (SELECT i.id AS image_id, {key} AS key, {self._columns()} FROM analysis_image i
             WHERE i.trashed_at IS NULL AND {{}} {self._kept_apart()} {range_}
             ORDER BY {key} {way}, i.id {way} {_first(budget)})
        """  # noqa: S608
        entries = " UNION ALL ".join(branch.format(each.text) for each in whose)
        given = [value for each in whose for value in (*each.values, *bounds)]
        if len(whose) > 1:
            entries = f"(SELECT * FROM ({entries}) u ORDER BY key {way}, image_id {way} {_first(budget)})"  # noqa: S608
        text = f"""
            SELECT d.image_id, d.key FROM ({entries}) d WHERE {visible.text} AND {rest.text}
            ORDER BY d.key {way}, d.image_id {way} LIMIT {limit:d}
        """  # noqa: S608
        return Sql(text, (*given, *visible.values, *rest.values))

    def scanned(self, *, after: Cursor | None, limit: int, is_sorted: bool = True) -> Sql:
        """All pictures that may be seen, in no order: to read them as they lie takes a third of the time."""
        base, rest, key = all_of([self._base(), self.narrowed or TRUE]), self.rest(is_at_hand=True), self.order.key
        hits = f"""
            SELECT d.image_id, d.key FROM (
                SELECT i.id AS image_id, {key} AS key, {self._columns()} FROM analysis_image i
                WHERE {base.text} {self._kept_apart()}) d
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
        return Sql(text, (*values, *([after.key, after.image_id] if after else [])))

    def _columns(self) -> str:
        """What is asked of the pictures themselves: of all that is read, so much is carried along."""
        asked = COLUMNS if self.is_asked_at_hand else ()
        return ", ".join(f"i.{name}" for name in ("added_at", "owner_id", "visibility", *asked))

    @property
    def is_asked_at_hand(self) -> bool:
        """Some part asks for the pictures' own columns."""
        return any(sql.at_hand.text != sql.text for sql in self.conditions.values())

    def _own(self) -> Sql | None:
        """Others' private pictures are not seen: those that are were one's own."""
        viewer = self.meaning.viewer
        is_own = StateTerm("private") in self.parts and viewer.person_id is not None and not viewer.sees_all
        return Sql("i.owner_id = %s", (viewer.person_id,)) if is_own and not self.owner else None

    @property
    def is_kept_apart(self) -> bool:
        return any(part in SEPARATE_INDEXES for part in self.parts)

    def _kept_apart(self) -> str:
        return "".join(f" AND {SEPARATE_INDEXES[part]}" for part in self.parts if part in SEPARATE_INDEXES)

    def _whose(self) -> list[Sql]:
        """Disjoint sets of pictures that together hold all that may be seen, each with an index in this order."""
        person = self.meaning.viewer.person_id
        if own := self._own():
            return [own]
        if self.meaning.viewer.sees_all and not self.owner:
            return [Sql("true")]
        if self.owner:
            return [Sql("i.owner_id = %s", (self.owner.id,))]
        if self.order.key != "i.added_at":
            return [
                visibility_filter(self.meaning.viewer, "i")
            ]  # said within the walk: who sees few is not led past all others'
        if person is None:
            return [Sql("i.visibility > 0")]
        return [Sql("i.owner_id = %s", (person,)), Sql("i.visibility > 0 AND i.owner_id <> %s", (person,))]

    def gathered(self, found: Candidates, *, after: Cursor | None, limit: int, is_sorted: bool = True) -> Sql:
        """All candidates, asked the rest and sorted."""
        order, (key, values) = self.order, self._key(found)
        visible, image = visibility_filter(self.meaning.viewer, "d"), "JOIN analysis_image i ON i.id = d.image_id"
        source, rest = found.sql.text, self.rest(*found.answered, is_indexed=found.is_indexed)
        if not found.is_indexed:
            source, visible = f"SELECT DISTINCT image_id FROM ({source}) s", self._base()  # noqa: S608
            rest = rest.at_hand
        elif key == "d.added_at":
            image = ""
        start = f"WHERE (key, image_id) {order.beyond} (%s, %s)" if after else ""
        text = f"""
            SELECT image_id, key FROM (
                SELECT d.image_id, {key} AS key FROM ({source}) d {image}
                WHERE {visible.text} AND {rest.text}) hits {start}
            {f"ORDER BY key {order.direction}, image_id {order.direction}" if is_sorted else ""} LIMIT {limit:d}
        """  # noqa: S608
        place = [after.key, after.image_id] if after else []
        return Sql(text, (*values, *found.sql.values, *visible.values, *rest.values, *place))

    def _key(self, found: Candidates) -> tuple[str, tuple[Any, ...]]:
        """What candidates are sorted by, and its parameters."""
        if self.sort == "confidence" and self.ranked:
            highest = (
                "SELECT max(p.confidence) FROM analysis_imagelabel p WHERE p.image_id = i.id AND p.label_id = ANY(%s)"
            )
            return f"({highest})", (list(self.ranked.labels.ids),)
        if found.is_indexed and self.order.key == "i.added_at":
            return "d.added_at", ()
        return self.order.key, ()

    def _base(self) -> Sql:
        """The pictures that a query is about: not those in the trash, unless it asks for them, and then one's own."""
        visible = self._own() or visibility_filter(self.meaning.viewer, "i")
        if self.meaning.query.includes_trash and self.meaning.viewer.sees_all:
            return Sql("true")
        if not self.meaning.query.includes_trash or self.meaning.viewer.person_id is None:
            return Sql(f"i.trashed_at IS NULL AND {visible.text}", visible.values)
        text = f"(i.owner_id = %s OR i.trashed_at IS NULL AND {visible.text})"
        return Sql(text, (self.meaning.viewer.person_id, *visible.values))

    def by_index(self) -> Candidates:
        return by_labels(self.carried, self.excluded)

    def _range(self, alias: str, column: str, after: Cursor | None) -> tuple[str, list[Any]]:
        """Where in the index to start and to end, by the place and by days asked for."""
        tests, values = "", list[Any]()
        key = self.order.key if alias == "i" else f"{alias}.added_at"
        if after:
            tests += f" AND ({key}, {alias}.{column}) {self.order.beyond} (%s, %s)"
            values += [after.key, after.image_id]
        since, before = self.days_of(DATED[self.sort]) if self.sort in DATED else (None, None)
        if since:
            tests, values = f"{tests} AND {key} >= %s", [*values, since]
        if before:
            tests, values = f"{tests} AND {key} < %s", [*values, before]
        return tests, values

    def days_of(self, field: str) -> tuple[datetime | None, datetime | None]:
        """The days that are asked for, of when pictures were added or taken."""
        parts = [part for part in self.parts if isinstance(part, DateTerm | RelativeDateTerm) and part.field == field]
        return days(parts[0], self.meaning.moment) if parts else (None, None)

    def days_added(self) -> bool:
        return any(self.days_of("added"))


def first_label(meaning: ResolvedQuery) -> LabelTerm | None:
    return next((part for part in meaning.query.parts if isinstance(part, LabelTerm)), None)


def _first(budget: int | None) -> str:
    """Written out, since the server would take an unknown number for a tenth of all."""
    return "" if budget is None else f"LIMIT {budget:d}"
