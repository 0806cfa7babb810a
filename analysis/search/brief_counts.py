"""Counts results for pages that show a number only if it is known soon."""

from __future__ import annotations

from analysis.models import Viewer
from analysis.search import results
from analysis.search.query import Query
from analysis.search.time_limit import SearchTooSlow, TimeBudget

COUNT_CAP = 1_000
"""Maximum of each count, since larger counts would take time from the others."""


class BriefCounter:
    """Counts the pictures of several queries as long as the time allows."""

    def __init__(self, viewer: Viewer, *, seconds: float) -> None:
        self.viewer, self._budget = viewer, TimeBudget(seconds)

    def count(self, query: Query, *, cap: int = COUNT_CAP) -> int | None:
        """The number of pictures, exact up to `cap`; None if it takes too long."""
        try:
            with self._budget.part():
                return results.count(query, viewer=self.viewer, cap=cap)
        except SearchTooSlow:
            return None
