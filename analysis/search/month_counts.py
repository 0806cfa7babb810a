"""How many pictures of a result each month has, where all of them can be looked at."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from analysis.models import Viewer
from analysis.search import results
from analysis.search.query import Query

MOST = 10_000
"""Results up to this are counted, well within a tenth of a second; of larger ones the months are found one by one."""


def counted(query: Query, *, viewer: Viewer) -> dict[datetime, int] | None:
    """By the first moment of each month, in the order of the result, which is one of time; None for too many."""
    keys = results.sort_keys(query, viewer=viewer, limit=MOST + 1)
    if len(keys) > MOST:
        return None
    return dict(Counter(first_of(moment) for moment in keys))


def first_of(moment: datetime) -> datetime:
    """The month's first moment, by UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
