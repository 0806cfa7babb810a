"""The choice of statements for a query, by statistics and by the rows found.

First comes a scan in the order of the result with a budget, along the rarest label or along the images, since a page is
mostly found within a few thousand entries. The share of matches in it tells whether to scan on. Otherwise the planner
uses the GIN index over label sets, a selective part (a text, a face, a rating), or the whole table.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from analysis.search.pagination import Cursor
from analysis.search.plans.query_parts import BUDGET, first_label
from analysis.search.plans.statements import Statements
from analysis.search.plans.trash_queries import TrashQuery, without_trash
from analysis.search.resolve import ResolvedQuery
from analysis.search.sql.expressions import Sql, counting
from analysis.search.terms.base import RequiredLabels

# Microseconds, measured on PostgreSQL 15 with a million images; only their ratios matter. Measure them again with
# `make bench` after a change of the indexes.
LOOKUP_COST = 2.2
"""Another label looked up on one image."""
ENTRY_COST = 0.2
"""An entry of the GIN index over label sets."""
MATCH_COST = 0.6
"""An image that the GIN index finds."""

TRIAL_DIVISOR = 3
"""The part of the budget that is scanned first if several labels are required."""
SHORT_TRIAL_DIVISOR = 10
"""The same if the GIN index is likely to be faster."""
CONFIDENCE_STEPS = (9_900, 9_000, 0)
"""Minimum confidences in hundredths, searched one after the other: a page is mostly full long before all images."""


class Attempt(NamedTuple):
    """A statement whose rows are appended to the earlier ones or replace them."""

    sql: Sql
    appends: bool = False


Rows = list[Any]
Attempts = Generator[Attempt, Rows | None, None]
"""Receives the rows found so far, or None."""


class QueryPlan(Statements):
    """The statements for a query in the order to try them; `trash` is a second part."""

    def __init__(self, resolved: ResolvedQuery, *, budget: int = BUDGET) -> None:
        self.trash = TrashQuery(resolved, budget=budget) if resolved.query.includes_trash else None
        outside = without_trash(resolved)
        self.is_trash_only = outside is None
        super().__init__(outside or resolved, budget=budget, ranked_by=first_label(resolved))

    @property
    def is_empty(self) -> bool:
        """No image outside the trash can match."""
        return self.is_trash_only or super().is_empty

    def attempts(self, *, after: Cursor | None, limit: int) -> Attempts:
        """Statements to run until `limit` rows are found."""
        if self.prefers_owner_scan and self.order.key == "i.added_at":
            yield Attempt(self.image_index_scan(after=after, limit=limit, budget=None))
        elif self.selective_source:
            yield Attempt(self.fetch_candidates(self.selective_source, after=after, limit=limit))
        elif self.sort == "confidence":
            yield from self._by_confidence(after=after, limit=limit)
        elif self.sort in {"newest", "oldest"}:
            yield from self._by_time(after=after, limit=limit)
        else:
            yield from self._by_column(after=after, limit=limit)

    def count_statements(self, *, cap: int) -> Generator[Sql, int | None, None]:
        """Statements to run until a count reaches `cap`; the last one is exact below it.

        Receives the count of the statement before.
        """
        is_scanned = self._can_use_label_set_index and not self.selective_source and not self.prefers_owner_scan
        if self.driver and is_scanned and not self._label_set_index_beats_scan(cap):
            # A count has no order to keep, so it scans further than a page before it gives up.
            budget = 2 * self.budget
            matches = yield counting(self.label_index_scan(self.driver, after=None, limit=cap, budget=budget))
            if next_budget := self._next_budget(matches or 0, scanned=budget, required=cap):
                yield counting(self.label_index_scan(self.driver, after=None, limit=cap, budget=next_budget))
        yield counting(self.all_matches(cap=cap))

    def all_matches(self, *, cap: int) -> Sql:
        """All matches up to the cap, unsorted."""
        if self.prefers_owner_scan or not self.parts:
            return self.image_index_scan(after=None, limit=cap, budget=None)
        if self.selective_source:
            return self.fetch_candidates(self.selective_source, after=None, limit=cap, is_sorted=False)
        if self.driver and not self._can_use_label_set_index and self.prefers_label_index:
            return self.label_index_scan(self.driver, after=None, limit=cap, budget=None)
        if self.required and self.prefers_label_index:
            return self.fetch_candidates(self.label_set_source(), after=None, limit=cap, is_sorted=False)
        if self.table_source and not self.image_filter:
            return self.fetch_candidates(self.table_source, after=None, limit=cap, is_sorted=False)
        return self.table_scan(after=None, limit=cap, is_sorted=False)

    @property
    def _can_use_label_set_index(self) -> bool:
        """Several labels, without owner or date added, which the GIN index lacks."""
        # Of an owner with few images, the GIN index would find mostly images of others.
        is_sparse = self.owner is not None and self.owner.has_few
        return len(self.required) + len(self.excluded) > 1 and not self.has_date_added() and not is_sparse

    @property
    def prefers_label_index(self) -> bool:
        """Reading all images with the rarest label is cheaper than another source."""
        if not self.required or self.has_date_added():
            return bool(self.required)
        rarest = self.required[0].labels.image_count
        if self.image_filter or self.table_source or self.uses_partial_index:
            return rarest <= 4 * self.budget
        return not self.reads_image_columns or rarest <= max(4 * self.budget, self.resolved.image_count // 8)

    @property
    def _label_set_index_is_cheap(self) -> bool:
        """The rarest label has few images, and no label has very many."""
        image_counts = [required.labels.image_count for required in self.required]
        has_bounds = any(required.minimum for required in self.required) or bool(self.excluded)
        return not has_bounds and image_counts[0] <= self.budget and image_counts[-1] <= self.resolved.image_count // 8

    def _label_set_index_beats_scan(self, limit: int) -> bool:
        """The GIN index is expected to be faster than a scan for `limit` matches."""
        # This takes labels as independent. Labels searched together mostly occur together, so a scan is often shorter
        # than estimated: the caller still tries a short one first where the GIN index costs little.
        rarest, total = self.required[0].labels.image_count, max(self.resolved.image_count, 1)
        matches = float(rarest)
        for required in self.required[1:]:
            matches *= min(1.0, required.labels.image_count / total)
        for labels in self.excluded.values():
            matches *= max(0.0, 1.0 - labels.image_count / total)
        scanned = min(rarest, rarest * limit / max(matches, 1.0))
        return scanned * LOOKUP_COST > rarest * ENTRY_COST + matches * MATCH_COST

    def _next_budget(self, matches: int, *, scanned: int, required: int) -> int:
        """Entries to scan for the required matches; 0 if the GIN index should be faster."""
        if not matches:
            return 0
        rarest, bounds = self.required[0].labels.image_count, sum(label.minimum > 0 for label in self.required)
        index_cost = rarest * ENTRY_COST + rarest * matches / scanned * (MATCH_COST + bounds * LOOKUP_COST)
        entries = required * scanned // matches
        # Twice the estimate, since a scan that ends too early is lost.
        return 2 * entries if entries * LOOKUP_COST < index_cost else 0

    def _by_time(self, *, after: Cursor | None, limit: int) -> Attempts:
        driver, fits_budget = self.driver, limit < self.budget
        if driver is None:
            if self.parts and fits_budget:
                yield Attempt(self.image_index_scan(after=after, limit=limit, budget=self.budget))
            yield Attempt(self._fallback(after=after, limit=limit))
        elif self._can_use_label_set_index and (
            self._label_set_index_is_cheap or driver.labels.image_count > self.budget // TRIAL_DIVISOR
        ):
            if fits_budget and not self._label_set_index_is_cheap:
                yield from self._trial_scan(driver, after=after, limit=limit)
            yield Attempt(self._fallback(after=after, limit=limit))
        elif self.prefers_label_index:
            if fits_budget and driver.labels.image_count > self.budget:
                yield Attempt(self.label_index_scan(driver, after=after, limit=limit, budget=self.budget))
            yield Attempt(self.label_index_scan(driver, after=after, limit=limit, budget=None))
        else:
            if fits_budget:
                yield Attempt(self.label_index_scan(driver, after=after, limit=limit, budget=self.budget))
            yield Attempt(self._fallback(after=after, limit=limit))

    def _trial_scan(self, driver: RequiredLabels, *, after: Cursor | None, limit: int) -> Attempts:
        """A short scan along the rarest label, continued if it has enough matches."""
        is_short = driver.labels.image_count <= 4 * self.budget and self._label_set_index_beats_scan(limit)
        trial = max(1, self.budget // (SHORT_TRIAL_DIVISOR if is_short else TRIAL_DIVISOR))
        rows = yield Attempt(self.label_index_scan(driver, after=after, limit=limit, budget=trial))
        if rows and (budget := self._next_budget(len(rows), scanned=trial, required=limit - len(rows))):
            cursor = Cursor(rows[-1][1], rows[-1][0])
            statement = self.label_index_scan(driver, after=cursor, limit=limit - len(rows), budget=budget)
            yield Attempt(statement, appends=True)

    def _by_column(self, *, after: Cursor | None, limit: int) -> Attempts:
        rarest = self.required[0].labels.image_count if self.required else None
        if rarest is None or rarest > 4 * self.budget:
            budget = 2 * self.budget if self.parts else None
            yield Attempt(self.image_index_scan(after=after, limit=limit, budget=budget))
        if self.parts:
            yield Attempt(self._fallback(after=after, limit=limit))

    def _fallback(self, *, after: Cursor | None, limit: int) -> Sql:
        """All matches, after a scan with a budget did not fill the page."""
        if self.required and self.prefers_label_index:
            return self.fetch_candidates(self.label_set_source(), after=after, limit=limit)
        if self.table_source and not self.image_filter:
            return self.fetch_candidates(self.table_source, after=after, limit=limit)
        if not self.parts or self.uses_partial_index:
            return self.image_index_scan(after=after, limit=limit, budget=None)
        return self.table_scan(after=after, limit=limit)

    def _by_confidence(self, *, after: Cursor | None, limit: int) -> Attempts:
        ranked = self.ranked
        if ranked is None:
            return
        for step in CONFIDENCE_STEPS if ranked.labels.image_count > 4 * self.budget else (0,):
            if after is None or (isinstance(after.key, int) and after.key >= step):
                minimum = max(step, ranked.minimum)
                yield Attempt(self.confidence_scan(ranked, minimum=minimum, after=after, limit=limit))
