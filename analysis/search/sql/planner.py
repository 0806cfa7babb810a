"""How a query is answered: along which index, how far, and where else to look when that is not far enough.

First a budgeted walk in the result's own order, along the rarest label or along the pictures, since a page is mostly
found within the first few thousand. How much of it was found tells whether to walk on; else the few pictures that carry
all the labels are gathered by a GIN index, or a selective part (a text, a face, a mark) gives the candidates, or all
are looked at.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from analysis.search.pagination import Cursor
from analysis.search.resolve import ResolvedQuery
from analysis.search.sql.candidates import RequiredLabels
from analysis.search.sql.expressions import Sql, counting
from analysis.search.sql.statements import BUDGET, Statements, first_label
from analysis.search.sql.trash_queries import TrashQuery, outside

PROBE, ENTRY, HIT = 2.2, 0.2, 0.6
"""Microseconds: another label looked up on one picture; an entry of an index over sets; a picture that it finds."""


LOOK, GLANCE = 3, 10
"""Of the budget such a part is walked first where several labels are asked for; less where a walk promises little."""


class Attempt(NamedTuple):
    """A statement that finds rows of (image id, key); `adds` to what was found, or takes its place."""

    sql: Sql
    adds: bool = False


Rows = list[Any]
Attempts = Generator[Attempt, Rows | None, None]
"""Is told what was found so far, if anything."""


class QueryPlan(Statements):
    """In which order statements are tried. What asks for the trash is answered in two: outside of it, and in it."""

    def __init__(self, meaning: ResolvedQuery, *, budget: int = BUDGET) -> None:
        self.trash = TrashQuery(meaning, budget=budget) if meaning.query.includes_trash else None
        kept = outside(meaning)
        self.is_nowhere = kept is None
        super().__init__(kept or meaning, budget=budget, ranked_by=first_label(meaning))

    @property
    def is_empty(self) -> bool:
        """A wanted label that does not exist, or nothing but the trash: no picture in the library can be meant."""
        return self.is_nowhere or super().is_empty

    def attempts(self, *, after: Cursor | None, limit: int) -> Attempts:
        """To be tried one after the other until `limit` rows are found."""
        if self.is_owned_by_few and self.order.key == "i.added_at":
            yield Attempt(self.along_images(after=after, limit=limit, budget=None))
        elif self.selector:
            yield Attempt(self.gathered(self.selector, after=after, limit=limit))
        elif self.sort == "confidence":
            yield from self._by_confidence(after=after, limit=limit)
        elif self.sort in {"newest", "oldest"}:
            yield from self._by_time(after=after, limit=limit)
        else:
            yield from self._by_column(after=after, limit=limit)

    def counted(self, *, cap: int) -> Generator[Sql, int | None, None]:
        """Statements that count up to `cap`: to be tried until one reaches it, and the last one is right.

        Is told what the one before came to.
        """
        is_labeled = self.driver and self._is_apart and not self.selector and not self.is_owned_by_few
        if self.driver and is_labeled and not self._is_gathered_sooner(cap):
            budget = 2 * self.budget
            found = yield counting(self.along_label(self.driver, after=None, limit=cap, budget=budget))
            if further := self._further(found or 0, looked_at=budget, wanted=cap):
                yield counting(self.along_label(self.driver, after=None, limit=cap, budget=further))
        yield counting(self.whole(cap=cap))

    def whole(self, *, cap: int) -> Sql:
        """All hits up to the cap, in no order."""
        if self.is_owned_by_few or not self.parts:
            return self.along_images(after=None, limit=cap, budget=None)
        if self.selector:
            return self.gathered(self.selector, after=None, limit=cap, is_sorted=False)
        if self.driver and not self._is_apart and self.labels_lead:
            return self.along_label(self.driver, after=None, limit=cap, budget=None)
        if self.carried and self.labels_lead:
            return self.gathered(self.by_index(), after=None, limit=cap, is_sorted=False)
        if self.listed and not self.narrowed:
            return self.gathered(self.listed, after=None, limit=cap, is_sorted=False)
        return self.scanned(after=None, limit=cap, is_sorted=False)

    @property
    def _is_apart(self) -> bool:
        """Several labels, which an index over sets knows together; but not whose they are, nor of when."""
        is_sparse = self.owner is not None and self.owner.has_few
        return len(self.carried) + len(self.excluded) > 1 and not self.days_added() and not is_sparse

    @property
    def labels_lead(self) -> bool:
        """To go through all that carry them takes less than to ask another index, or to ask everything."""
        if not self.carried or self.days_added():
            return bool(self.carried)
        rarest = self.carried[0].labels.image_count
        if self.narrowed or self.listed or self.is_kept_apart:
            return rarest <= 4 * self.budget
        return not self.is_asked_at_hand or rarest <= max(4 * self.budget, self.meaning.pictures // 8)

    @property
    def _is_soon_gathered(self) -> bool:
        """Few carry the rarest, and none is so common that an index over sets skips through very many entries."""
        numbers = [each.labels.image_count for each in self.carried]
        is_bounded = any(each.minimum for each in self.carried) or bool(self.excluded)
        return not is_bounded and numbers[0] <= self.budget and numbers[-1] <= self.meaning.pictures // 8

    def _is_gathered_sooner(self, wanted: int) -> bool:
        """Whether an index over sets is quicker than a walk, if labels knew nothing of one another.

        They do: those that are asked for together are mostly found together, so a long walk may well be a short one.
        What costs little is therefore gathered, what might cost much only where a walk surely does.
        """
        rarest, whole = self.carried[0].labels.image_count, max(self.meaning.pictures, 1)
        shared = float(rarest)
        for each in self.carried[1:]:
            shared *= min(1.0, each.labels.image_count / whole)
        for labels in self.excluded.values():
            shared *= max(0.0, 1.0 - labels.image_count / whole)
        walked = min(rarest, rarest * wanted / max(shared, 1.0))
        return walked * PROBE > rarest * ENTRY + shared * HIT

    def _further(self, found: int, *, looked_at: int, wanted: int) -> int:
        """How far to walk for so many, by how many were found; 0 where all are gathered in less time."""
        if not found:
            return 0
        rarest, bounds = self.carried[0].labels.image_count, sum(each.minimum > 0 for each in self.carried)
        gathered = rarest * ENTRY + rarest * found / looked_at * (HIT + bounds * PROBE)
        further = wanted * looked_at // found
        return 2 * further if further * PROBE < gathered else 0

    def _by_time(self, *, after: Cursor | None, limit: int) -> Attempts:
        driver, is_first = self.driver, limit < self.budget
        if driver is None:
            if self.parts and is_first:
                yield Attempt(self.along_images(after=after, limit=limit, budget=self.budget))
            yield Attempt(self._rest(after=after, limit=limit))
        elif self._is_apart and (self._is_soon_gathered or driver.labels.image_count > self.budget // LOOK):
            if is_first and not self._is_soon_gathered:
                yield from self._together(driver, after=after, limit=limit)
            yield Attempt(self._rest(after=after, limit=limit))
        elif self.labels_lead:
            if is_first and driver.labels.image_count > self.budget:
                yield Attempt(self.along_label(driver, after=after, limit=limit, budget=self.budget))
            yield Attempt(self.along_label(driver, after=after, limit=limit, budget=None))
        else:
            if is_first:
                yield Attempt(self.along_label(driver, after=after, limit=limit, budget=self.budget))
            yield Attempt(self._rest(after=after, limit=limit))

    def _together(self, driver: RequiredLabels, *, after: Cursor | None, limit: int) -> Attempts:
        """The first of those that carry the rarest, and on from there as far as what they tell makes it worth while."""
        is_small = driver.labels.image_count <= 4 * self.budget and self._is_gathered_sooner(limit)
        look = max(1, self.budget // (GLANCE if is_small else LOOK))
        rows = yield Attempt(self.along_label(driver, after=after, limit=limit, budget=look))
        if rows and (further := self._further(len(rows), looked_at=look, wanted=limit - len(rows))):
            place, rest = Cursor(rows[-1][1], rows[-1][0]), limit - len(rows)
            yield Attempt(self.along_label(driver, after=place, limit=rest, budget=further), adds=True)

    def _by_column(self, *, after: Cursor | None, limit: int) -> Attempts:
        rarest = self.carried[0].labels.image_count if self.carried else None
        if rarest is None or rarest > 4 * self.budget:
            budget = 2 * self.budget if self.parts else None
            yield Attempt(self.along_images(after=after, limit=limit, budget=budget))
        if self.parts:
            yield Attempt(self._rest(after=after, limit=limit))

    def _rest(self, *, after: Cursor | None, limit: int) -> Sql:
        """For when the first pictures in order were not the ones: wherever the others may be."""
        if self.carried and self.labels_lead:
            return self.gathered(self.by_index(), after=after, limit=limit)
        if self.listed and not self.narrowed:
            return self.gathered(self.listed, after=after, limit=limit)
        if not self.parts or self.is_kept_apart:
            return self.along_images(after=after, limit=limit, budget=None)
        return self.scanned(after=after, limit=limit)

    def _by_confidence(self, *, after: Cursor | None, limit: int) -> Attempts:
        """The surest first: mostly a page is full long before all that carry the label were looked at."""
        ranked = self.ranked
        if ranked is None:
            return
        for surest in (9_900, 9_000, 0) if ranked.labels.image_count > 4 * self.budget else (0,):
            if after is None or (isinstance(after.key, int) and after.key >= surest):
                minimum = max(surest, ranked.minimum)
                yield Attempt(self.by_rank(ranked, minimum=minimum, after=after, limit=limit))
