"""Executes a query for a page or a count, by one strategy after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from analysis.search.database import fetch_all
from analysis.search.pagination import Cursor, Order, Ordering
from analysis.search.plans.costs import BUDGET, CONFIDENCE_STEPS, Statistics, trial_budget
from analysis.search.plans.query_parts import QueryParts, first_label
from analysis.search.plans.statements import Scan
from analysis.search.plans.strategies import Strategy, choose_strategy
from analysis.search.plans.trash_queries import in_trash, without_trash
from analysis.search.resolve import ResolvedQuery
from analysis.search.sql.expressions import Sql, counting

Row = tuple[Any, ...]
"""An image id, its sort key, and columns."""


class QueryPlan:
    """Finds and counts the images of one resolved query."""

    def __init__(self, resolved: ResolvedQuery, *, budget: int = BUDGET) -> None:
        self.budget = budget
        outside, ranked_by = without_trash(resolved), first_label(resolved)
        self.is_trash_only = outside is None
        self.parts = QueryParts(outside or resolved, ranked_by)
        self.trash = QueryParts(resolved, ranked_by) if resolved.query.includes_trash else None

    @property
    def is_empty(self) -> bool:
        """True if no image outside the trash can match."""
        return self.is_trash_only or self.parts.is_empty

    @property
    def ordering(self) -> Ordering:
        return self.parts.ordering

    def rows(self, *, after: Cursor | None, limit: int, columns: str = "", is_backward: bool = False) -> list[Row]:
        """Up to `limit` rows after a cursor, in the order of the query.

        `is_backward`: those before the cursor, the nearest first.
        """
        ordering = self.ordering.reversed if is_backward else self.ordering
        # The cursor is of another sort order, for example from an edited link.
        if after and not isinstance(after.key, ordering.kind):
            after = None
        rows: list[Row] = []
        for segment in ordering.segments(after):
            if len(rows) < limit:
                candidates = self._rows(Scan(limit - len(rows), ordering, segment.after), columns)
                rows += [row for row in candidates if segment.has(row[1])]
        return rows

    def _rows(self, scan: Scan, columns: str) -> list[Row]:
        """The first rows of a scan, by one strategy after the other."""
        rows: list[Row] = []
        statistics = self.statistics(limit=scan.limit)
        if statistics.order is Order.CONFIDENCE:
            statistics = replace(statistics, trials=_skipped_steps(scan))
        while not self.is_empty and len(rows) < scan.limit:
            strategy = choose_strategy(statistics)
            # Each strategy finds the first matches in the order of the result, so the next one continues after them.
            cursor = Cursor(rows[-1][1], rows[-1][0]) if rows else scan.after
            statement = self.statement(strategy, statistics, replace(scan, limit=scan.limit - len(rows), after=cursor))
            rows += self._fetch(statement, scan, columns)
            if not strategy.is_trial:
                break
            statistics = statistics.after_trial(scanned=trial_budget(statistics), matches=len(rows))
        if self.trash:
            return self._fetch(in_trash(self.trash, scan, or_among=[row[0] for row in rows]), scan, columns)
        return rows

    @property
    def sorts_all_matches(self) -> bool:
        """True if more rows than a trial finds need a sort of all matches.

        That is slow in large results.
        """
        return choose_strategy(self.statistics(limit=self.budget)).sorts_all_matches

    def count(self, *, cap: int) -> int:
        """The number of images; `cap` means at least that many."""
        number, statistics = 0, self.statistics(Order.NONE, limit=cap)
        while not self.is_empty:
            strategy = choose_strategy(statistics)
            number = self._number(self.statement(strategy, statistics, Scan(cap)))
            if number >= cap or not strategy.is_trial:
                break
            statistics = statistics.after_trial(scanned=trial_budget(statistics), matches=number)
        if self.trash and number < cap:
            number += self._number(in_trash(self.trash, Scan(cap - number)))
        return number

    def statistics(self, order: Order | None = None, *, limit: int) -> Statistics:
        """The statistics for a page, or for another order."""
        return self.parts.statistics(order or self.ordering.order, limit=limit, budget=self.budget)

    def statement(self, strategy: Strategy, statistics: Statistics, scan: Scan) -> Sql:
        if strategy is Strategy.CONFIDENCE_TRIAL:
            scan = replace(scan, min_confidence=CONFIDENCE_STEPS[statistics.trials])
        elif strategy.is_trial:
            scan = replace(scan, budget=trial_budget(statistics))
        return strategy.build(self.parts, scan)

    def all_matches(self, *, cap: int) -> Sql:
        """All matches up to the cap, unsorted."""
        statistics = self.statistics(Order.NONE, limit=cap).after_trial(scanned=0, matches=0)
        return self.statement(choose_strategy(statistics), statistics, Scan(cap))

    def _number(self, statement: Sql) -> int:
        statement = counting(statement)
        return int(fetch_all(statement.text, statement.values)[0][0])

    def _fetch(self, statement: Sql, scan: Scan, columns: str) -> list[Row]:
        """The rows of a statement, with columns of `analysis_image i`."""
        text, direction = statement.text, scan.ordering.direction
        if columns:
            # A separate statement for the images would cost a third of a millisecond. Sorted again, since a join need
            # not keep the order of its rows.
            text = f"""
                SELECT k.image_id, k.key, {columns} FROM ({text}) k JOIN analysis_image i ON i.id = k.image_id
                ORDER BY k.key {direction}, k.image_id {direction}
            """
        return fetch_all(text, statement.values)


def _skipped_steps(scan: Scan) -> int:
    """The number of minimum confidences that the previous pages have passed."""
    if scan.ordering.direction == "ASC":
        return len(CONFIDENCE_STEPS)  # a trial has the highest ones, which come last
    key = scan.after.key if scan.after else None
    return sum(step > key for step in CONFIDENCE_STEPS) if isinstance(key, int) else 0
