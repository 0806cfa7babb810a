"""A query's parts, sorted by what they are good for, and the statements that find pictures by them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from analysis.search.conditions import condition, days, in_index, seen
from analysis.search.meaning import Meaning, Owner
from analysis.search.places import ORDERS, Order, Place
from analysis.search.selectors import Candidates, Carried, candidates, carried_in, excluded_by
from analysis.search.sql import FALSE, Sql, all_of
from analysis.search.tree import Between, Labeled, Lately, Matches, Node

BUDGET = 3_000
"""Entries of one index looked at before something else is tried: some ten milliseconds."""
MOST_BRANCHES = 8
"""A word that means more labels than this is not walked along: each would be a walk of its own."""


class Statements:
    """Each gives rows of (image id, key) that may be seen and of which all of the query holds."""

    def __init__(self, meaning: Meaning, *, budget: int = BUDGET) -> None:
        self.meaning, self.parts, self.budget = meaning, meaning.query.parts, budget
        self.carried = sorted(
            (carried for part in self.parts for carried in carried_in(part, meaning)),
            key=lambda each: (each.labels.image_count, each.labels.ids),
        )
        self.excluded = {part: labels for part in self.parts if (labels := excluded_by(part, meaning))}
        self.conditions = {part: condition(part, meaning) for part in self.parts}
        self.sort = meaning.query.sort if self.ranked or meaning.query.sort != "confidence" else "newest"

    @property
    def order(self) -> Order:
        return ORDERS[self.sort]

    @property
    def is_empty(self) -> bool:
        """A wanted label that does not exist: no picture can carry it."""
        return FALSE in self.conditions.values() or any(not each.labels.ids for each in self.carried)

    @property
    def ranked(self) -> Carried | None:
        """The label whose confidence sorts the result: the one asked for first."""
        first = next((part for part in self.parts if isinstance(part, Labeled)), None)
        return next((each for each in self.carried if each.part == first), None) if first else None

    @property
    def driver(self) -> Carried | None:
        """The rarest label that can be walked along."""
        return next((each for each in self.carried if len(each.labels.ids) <= MOST_BRANCHES), None)

    @cached_property
    def selector(self) -> Candidates | None:
        """The few candidates of a selective part, whatever their order."""
        found = (candidates(part, self.meaning) for part in self.parts)
        return next((each for each in found if each), None)

    @property
    def owner(self) -> Owner | None:
        """Whose pictures alone are asked for."""
        named = (part for part in self.parts if isinstance(part, Matches) and part.field == "owner")
        return next((self.meaning.owners[part.text] for part in named), None)

    @property
    def is_owned_by_few(self) -> bool:
        return self.owner is not None and self.owner.has_few and not self.meaning.query.asks_for_trash

    def rest(self, *answered: Node, is_indexed: bool = True) -> Sql:
        """What is still to be asked of each candidate; from its own columns where it has them."""
        asked = [(part, sql) for part, sql in self.conditions.items() if part not in answered]
        return all_of((is_indexed and in_index(part, self.meaning)) or sql for part, sql in asked)

    def _done(self, walked: Carried) -> list[Node]:
        return [walked.part] if walked.is_all else []

    def by_rank(self, ranked: Carried, *, least: int, after: Place | None, limit: int) -> Sql:
        visible, rest = seen(self.meaning.audience, "p"), self.rest(*self._done(ranked), is_indexed=False)
        start = "HAVING (max(p.confidence), p.image_id) < (%s, %s)" if after else ""
        text = f"""
            SELECT d.image_id, d.key FROM (
                SELECT p.image_id, max(p.confidence) AS key FROM analysis_imagelabel p
                WHERE p.label_id = ANY(%s) AND p.confidence >= %s AND {visible.text}
                GROUP BY p.image_id {start}) d
            WHERE {rest.text} ORDER BY d.key DESC, d.image_id DESC LIMIT %s
        """  # noqa: S608
        given = [list(ranked.labels.ids), least, *visible.values, *([after.key, after.image_id] if after else [])]
        return Sql(text, (*given, *rest.values, limit))

    def along_label(
        self, driver: Carried, *, after: Place | None, limit: int, budget: int | None, share: Sequence[Sql] = ()
    ) -> Sql:
        """The label's own index, which knows the time, who may see it and the confidence."""
        way = "ASC" if self.sort == "oldest" else "DESC"
        range_, bounds = self._range("p", "image_id", after)
        branch = f"""
            (SELECT p.image_id, p.added_at, p.confidence, p.owner_id, p.openness FROM analysis_imagelabel p
             WHERE p.label_id = %s {range_} ORDER BY p.added_at {way}, p.image_id {way} LIMIT %s)
        """  # noqa: S608
        entries = " UNION ALL ".join([branch] * len(driver.labels.ids))
        given = [value for pk in driver.labels.ids for value in (pk, *bounds, budget)]
        if len(driver.labels.ids) > 1:
            entries = f"(SELECT * FROM ({entries}) u ORDER BY added_at {way}, image_id {way} LIMIT %s)"  # noqa: S608
            given.append(budget)
        visible, rest = seen(self.meaning.audience, "d"), all_of([self.rest(*self._done(driver)), *share])
        distinct = "DISTINCT" if len(driver.labels.ids) > 1 else ""
        text = f"""
            SELECT {distinct} d.image_id, d.added_at AS key FROM ({entries}) d
            WHERE d.confidence >= %s AND {visible.text} AND {rest.text}
            ORDER BY d.added_at {way}, d.image_id {way} LIMIT %s
        """  # noqa: S608
        return Sql(text, (*given, driver.least, *visible.values, *rest.values, limit))

    def along_images(self, *, after: Place | None, limit: int, budget: int | None) -> Sql:
        """The pictures in the result's order: one's own and those opened to one by indexes of their own."""
        key, way = self.order.key, self.order.direction
        if self.order.key == "i.added_at":
            range_, bounds = self._range("i", "id", after)
        else:
            range_ = f"AND ({key}, i.id) {self.order.beyond} (%s, %s)" if after else ""
            bounds = [after.key, after.image_id] if after else []
        whose = self._whose()
        branch = f"""
            (SELECT i.id AS image_id, {key} AS key, i.added_at, i.owner_id, i.openness FROM analysis_image i
             WHERE i.trashed_at IS NULL AND {{}} {range_} ORDER BY {key} {way}, i.id {way} LIMIT %s)
        """  # noqa: S608
        entries = " UNION ALL ".join(branch.format(each.text) for each in whose)
        given = [value for each in whose for value in (*each.values, *bounds, budget)]
        if len(whose) > 1:
            entries = f"(SELECT * FROM ({entries}) u ORDER BY key {way}, image_id {way} LIMIT %s)"  # noqa: S608
            given.append(budget)
        visible, rest = seen(self.meaning.audience, "d"), self.rest()
        text = f"""
            SELECT d.image_id, d.key FROM ({entries}) d WHERE {visible.text} AND {rest.text}
            ORDER BY d.key {way}, d.image_id {way} LIMIT %s
        """  # noqa: S608
        return Sql(text, (*given, *visible.values, *rest.values, limit))

    def _whose(self) -> list[Sql]:
        """Disjoint sets of pictures that together hold all that may be seen, each with an index in this order."""
        person = self.meaning.audience.person_id
        if self.meaning.audience.sees_all and not self.owner:
            return [Sql("true")]
        if self.owner:
            return [Sql("i.owner_id = %s", (self.owner.id,))]
        if self.order.key != "i.added_at":
            return [seen(self.meaning.audience, "i")]  # said within the walk: who sees few is not led past all others'
        if person is None:
            return [Sql("i.openness > 0")]
        return [Sql("i.owner_id = %s", (person,)), Sql("i.openness > 0 AND i.owner_id <> %s", (person,))]

    def gathered(self, found: Candidates, *, after: Place | None, limit: int) -> Sql:
        """All candidates, asked the rest and sorted."""
        order, (key, values) = self.order, self._key(found)
        rest = self.rest(*found.answered, is_indexed=found.is_indexed)
        source, visible, image = (
            found.sql.text,
            seen(self.meaning.audience, "d"),
            "JOIN analysis_image i ON i.id = d.image_id",
        )
        if not found.is_indexed:
            source, visible = f"SELECT DISTINCT image_id FROM ({source}) s", self._base()  # noqa: S608
        elif key == "d.added_at":
            image = ""
        start = f"WHERE (key, image_id) {order.beyond} (%s, %s)" if after else ""
        text = f"""
            SELECT image_id, key FROM (
                SELECT d.image_id, {key} AS key FROM ({source}) d {image}
                WHERE {visible.text} AND {rest.text}) hits
            {start} ORDER BY key {order.direction}, image_id {order.direction} LIMIT %s
        """  # noqa: S608
        place = [after.key, after.image_id] if after else []
        return Sql(text, (*values, *found.sql.values, *visible.values, *rest.values, *place, limit))

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
        visible = seen(self.meaning.audience, "i")
        if self.meaning.query.asks_for_trash and self.meaning.audience.sees_all:
            return Sql("true")
        if not self.meaning.query.asks_for_trash or self.meaning.audience.person_id is None:
            return Sql(f"i.trashed_at IS NULL AND {visible.text}", visible.values)
        text = f"(i.owner_id = %s OR i.trashed_at IS NULL AND {visible.text})"
        return Sql(text, (self.meaning.audience.person_id, *visible.values))

    def by_index(self) -> Candidates:
        """The pictures that carry all of the labels and none of the excluded, by the index over whole sets."""
        tests, values = list[str](), list[Any]()
        if single := [each.labels.ids[0] for each in self.carried if len(each.labels.ids) == 1]:
            tests, values = ["x.label_ids @> %s::int[]"], [single]
        for labels in (each.labels for each in self.carried if len(each.labels.ids) > 1):
            tests, values = [*tests, "x.label_ids && %s::int[]"], [*values, list(labels.ids)]
        for labels in self.excluded.values():
            if len(labels.ids) == 1:  # compared one by one, twice as fast as two arrays
                tests, values = [*tests, "%s <> ALL(x.label_ids)"], [*values, labels.ids[0]]
            else:
                tests, values = [*tests, "NOT x.label_ids && %s::int[]"], [*values, list(labels.ids)]
        columns = "x.image_id, x.added_at, x.owner_id, x.openness"
        text = f"SELECT {columns} FROM analysis_imageindex x WHERE {' AND '.join(tests)}"  # noqa: S608
        answered = {each.part for each in self.carried if each.is_all and each.least == 0} | set(self.excluded)
        return Candidates(Sql(text, tuple(values)), frozenset(answered), is_indexed=True)

    def _range(self, alias: str, column: str, after: Place | None) -> tuple[str, list[Any]]:
        """Where in the index to start and to end, by the place and by days asked for."""
        tests, values = "", list[Any]()
        if after:
            tests += f" AND ({alias}.added_at, {alias}.{column}) {self.order.beyond} (%s, %s)"
            values += [after.key, after.image_id]
        since, before = self.days_added() or (None, None)
        if since:
            tests, values = f"{tests} AND {alias}.added_at >= %s", [*values, since]
        if before:
            tests, values = f"{tests} AND {alias}.added_at < %s", [*values, before]
        return tests, values

    def days_added(self) -> tuple[datetime | None, datetime | None] | None:
        parts = [part for part in self.parts if isinstance(part, Between | Lately) and part.field == "added"]
        return days(parts[0], self.meaning.moment) if parts else None
