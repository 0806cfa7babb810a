"""How a query is answered: along which index, how far, and where else to look when that is not far enough.

First a budgeted walk in the result's own order, along the rarest label or along the pictures, since a page is mostly
found within the first few thousand. Where it is not, the few pictures that carry all the labels are gathered by a GIN
index, or a selective part (a text, a face, a mark) gives the candidates, or the walk goes on to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from analysis.search.conditions import FALSE, Sql, all_of, condition, days, seen
from analysis.search.meaning import Meaning
from analysis.search.places import ORDERS, Order, Place
from analysis.search.selectors import EVERYTHING, Carried, candidates, carried_in, excluded_by
from analysis.search.tree import Between, Labeled, Lately

BUDGET = 3_000
"""Entries of one index looked at before something else is tried: some ten milliseconds."""
MOST_BRANCHES = 8
"""A word that means more labels than this is not walked along: each would be a walk of its own."""


class Plan:
    """A query's parts, sorted by what they are good for."""

    def __init__(self, meaning: Meaning, *, budget: int = BUDGET) -> None:
        self.meaning, self.parts, self.budget = meaning, meaning.query.parts, budget
        self.carried = sorted(
            (carried for part in self.parts for carried in carried_in(part, meaning)),
            key=lambda each: (each.labels.image_count, each.labels.ids),
        )
        self.excluded = [labels for part in self.parts if (labels := excluded_by(part, meaning))]
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

    @property
    def selector(self) -> Sql | None:
        """A statement giving the few candidates of a selective part, whatever their order."""
        found = (candidates(part, self.meaning) for part in self.parts)
        return next((sql for sql in found if sql), None)

    def rest(self, walked: Carried | None = None) -> Sql:
        """What is still to be asked of each candidate."""
        done = walked.part if walked and walked.is_all else None
        return all_of(sql for part, sql in self.conditions.items() if part != done)

    def attempts(self, *, after: Place | None, limit: int) -> Iterator[Sql]:
        """Statements to be tried one after the other until one finds `limit` rows of (image id, key)."""
        if after and not isinstance(after.key, self.order.kind):
            after = None
        if self.is_selective:
            yield self._gathered(self.selector or EVERYTHING, after=after, limit=limit)
        elif self.sort == "confidence":
            yield from self._by_confidence(after=after, limit=limit)
        elif self.sort in {"newest", "oldest"}:
            yield from self._by_time(after=after, limit=limit)
        else:
            yield from self._by_column(after=after, limit=limit)

    def counted(self, *, cap: int) -> Sql:
        """A statement that counts up to `cap`, its rows in no order."""
        if self.is_selective:
            hits = self._gathered(self.selector or EVERYTHING, after=None, limit=cap, is_sorted=False)
        elif self.driver and not self._is_scattered(cap):
            hits = self._along_label(self.driver, after=None, limit=cap, budget=None)
        elif self.carried:
            hits = self._gathered(self._by_index(), after=None, limit=cap, is_sorted=False)
        else:
            hits = self._along_images(after=None, limit=cap, budget=None)
        return Sql(f"SELECT count(*) FROM ({hits.text}) hits", hits.values)  # noqa: S608

    def sampled(self, *, limit: int, every: int) -> Sql:
        """Hits that stand for all: those whose ids leave no rest when divided by `every`, in no order."""
        driver = self.driver
        if self.is_selective:
            return self._gathered(self.selector or EVERYTHING, after=None, limit=limit, is_sorted=False)
        if not self.carried:
            some = Sql(
                "SELECT generate_series(%s, (SELECT max(id) FROM analysis_image), %s) AS image_id", (every, every)
            )
            return self._gathered(some, after=None, limit=limit, is_sorted=False)
        if driver is None or self._is_scattered(limit):
            return self._gathered(self._by_index(), after=None, limit=limit, is_sorted=False)
        share = [Sql("d.image_id %% %s = 0", (every,))] if every > 1 else []
        return self._along_label(driver, after=None, limit=limit, budget=None, share=share)

    @property
    def is_selective(self) -> bool:
        """Candidates come from elsewhere than from labels and from the pictures in their order."""
        return self.meaning.query.asks_for_trash or self.selector is not None

    def _is_scattered(self, wanted: int) -> bool:
        """By what labels would share if they knew nothing of one another: walking along one would take long."""
        if len(self.carried) + len(self.excluded) < 2:
            return False
        counts = [each.labels.image_count for each in self.carried]
        whole = max(max(counts) * 1.2, 1.0)
        shared = whole
        for each in counts:
            shared *= each / whole
        return counts[0] > self.budget and counts[0] * min(1.0, wanted / max(shared, 1.0)) > 2 * self.budget

    def _by_time(self, *, after: Place | None, limit: int) -> Iterator[Sql]:
        driver = self.driver
        if driver is None:
            if self.parts and limit < self.budget:
                yield self._along_images(after=after, limit=limit, budget=self.budget)
            if self.carried:
                yield self._gathered(self._by_index(), after=after, limit=limit)
            else:
                yield self._along_images(after=after, limit=limit, budget=None)
            return
        if limit < self.budget:
            yield self._along_label(driver, after=after, limit=limit, budget=self.budget)
        if len(self.carried) + len(self.excluded) > 1 and not self._days():
            yield self._gathered(self._by_index(), after=after, limit=limit)
        else:
            yield self._along_label(driver, after=after, limit=limit, budget=None)

    def _by_column(self, *, after: Place | None, limit: int) -> Iterator[Sql]:
        rarest = self.carried[0].labels.image_count if self.carried else None
        if rarest is None or rarest > 4 * self.budget:
            yield self._along_images(after=after, limit=limit, budget=2 * self.budget if self.parts else None)
        if self.carried:
            yield self._gathered(self._by_index(), after=after, limit=limit)
        elif self.parts:
            yield self._along_images(after=after, limit=limit, budget=None)

    def _by_confidence(self, *, after: Place | None, limit: int) -> Iterator[Sql]:
        """The surest first: mostly a page is full long before all that carry the label were looked at."""
        ranked = self.ranked
        if ranked is None:
            return
        for surest in (9_900, 9_000, 0) if ranked.labels.image_count > 4 * self.budget else (0,):
            if after is None or (isinstance(after.key, int) and after.key >= surest):
                yield self._ranked(ranked, least=max(surest, ranked.least), after=after, limit=limit)

    def _ranked(self, ranked: Carried, *, least: int, after: Place | None, limit: int) -> Sql:
        visible, rest = seen(self.meaning.audience, "p"), self.rest(ranked)
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

    def _along_label(
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
        visible, rest = seen(self.meaning.audience, "d"), all_of([self.rest(driver), *share])
        distinct = "DISTINCT" if len(driver.labels.ids) > 1 else ""
        text = f"""
            SELECT {distinct} d.image_id, d.added_at AS key FROM ({entries}) d
            WHERE d.confidence >= %s AND {visible.text} AND {rest.text}
            ORDER BY d.added_at {way}, d.image_id {way} LIMIT %s
        """  # noqa: S608
        return Sql(text, (*given, driver.least, *visible.values, *rest.values, limit))

    def _along_images(self, *, after: Place | None, limit: int, budget: int | None) -> Sql:
        """The pictures in the result's order: one's own and those opened to one by indexes of their own."""
        key, way = self.order.key, self.order.direction
        if self.order.key == "i.added_at":
            range_, bounds = self._range("i", "id", after)
        else:
            range_ = f"AND ({key}, i.id) {self.order.beyond} (%s, %s)" if after else ""
            bounds = [after.key, after.image_id] if after else []
        whose = self._whose()
        branch = f"""
            (SELECT i.id AS image_id, {key} AS key, i.owner_id, i.openness FROM analysis_image i
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
        if self.order.key != "i.added_at":
            return [Sql("true")]
        if person is None:
            return [Sql("i.openness > 0")]
        return [Sql("i.owner_id = %s", (person,)), Sql("i.openness > 0 AND i.owner_id <> %s", (person,))]

    def _gathered(self, source: Sql, *, after: Place | None, limit: int, is_sorted: bool = True) -> Sql:
        """All candidates, asked the rest and sorted."""
        order, key = self.order, self.order.key
        values: list[Any] = []
        if self.sort == "confidence" and self.ranked:
            key = """(SELECT max(p.confidence) FROM analysis_imagelabel p
                      WHERE p.image_id = i.id AND p.label_id = ANY(%s))"""
            values.append(list(self.ranked.labels.ids))
        visible, rest = self._base(), self.rest()
        start = f"WHERE (key, image_id) {order.beyond} (%s, %s)" if after else ""
        sorting = f"ORDER BY key {order.direction}, image_id {order.direction}" if is_sorted else ""
        text = f"""
            SELECT image_id, key FROM (
                SELECT d.image_id, {key} AS key FROM (SELECT DISTINCT image_id FROM ({source.text}) s) d
                JOIN analysis_image i ON i.id = d.image_id WHERE {visible.text} AND {rest.text}) hits
            {start} {sorting} LIMIT %s
        """  # noqa: S608
        place = [after.key, after.image_id] if after else []
        return Sql(text, (*values, *source.values, *visible.values, *rest.values, *place, limit))

    def _base(self) -> Sql:
        """The pictures that a query is about: not those in the trash, unless it asks for them, and then one's own."""
        visible = seen(self.meaning.audience, "i")
        if not self.meaning.query.asks_for_trash or self.meaning.audience.person_id is None:
            return Sql(f"i.trashed_at IS NULL AND {visible.text}", visible.values)
        text = f"(i.owner_id = %s OR i.trashed_at IS NULL AND {visible.text})"
        return Sql(text, (self.meaning.audience.person_id, *visible.values))

    def _by_index(self) -> Sql:
        """The pictures that carry all of the labels and none of the excluded, by the index over whole sets."""
        visible = seen(self.meaning.audience, "x")
        all_ids = [each.labels.ids[0] for each in self.carried if len(each.labels.ids) == 1]
        tests = ["x.label_ids @> %s::int[]"] * bool(all_ids)
        values: list[Any] = [all_ids] if all_ids else []
        for each in self.carried:
            if len(each.labels.ids) > 1:
                tests.append("x.label_ids && %s::int[]")
                values.append(list(each.labels.ids))
        for labels in self.excluded:
            tests.append("NOT x.label_ids && %s::int[]")
            values.append(list(labels.ids))
        text = f"SELECT x.image_id FROM analysis_imageindex x WHERE {' AND '.join(tests)} AND {visible.text}"  # noqa: S608
        return Sql(text, (*values, *visible.values))

    def _range(self, alias: str, column: str, after: Place | None) -> tuple[str, list[Any]]:
        """Where in the index to start and to end, by the place and by days asked for."""
        tests, values = "", list[Any]()
        if after:
            tests += f" AND ({alias}.added_at, {alias}.{column}) {self.order.beyond} (%s, %s)"
            values += [after.key, after.image_id]
        since, before = self._days() or (None, None)
        if since:
            tests, values = f"{tests} AND {alias}.added_at >= %s", [*values, since]
        if before:
            tests, values = f"{tests} AND {alias}.added_at < %s", [*values, before]
        return tests, values

    def _days(self) -> tuple[datetime | None, datetime | None] | None:
        parts = [part for part in self.parts if isinstance(part, Between | Lately) and part.field == "added"]
        return days(parts[0], self.meaning.moment) if parts else None
