"""The images of a result by month."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from analysis.search.results import Search

MAX_RESULTS = 10_000
"""Results up to this size are counted, in less than 100 ms."""


def count_by_month(search: Search) -> dict[datetime, int] | None:
    """Images by the first moment of their month, in the order of the query.

    The sort order must be one of time. None for results that are too large.
    """
    keys = [key for _, key in search.keys(limit=MAX_RESULTS + 1)]
    if len(keys) > MAX_RESULTS:
        return None
    return dict(Counter(start_of_month(moment) for moment in keys))


def start_of_month(moment: datetime) -> datetime:
    """The first moment of the month in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
