"""The images of a result by month: exact for small results, else estimated."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from analysis.models.search_index import SHARES
from analysis.search.database import fetch_all
from analysis.search.label_facets import CERTAIN_FACTOR, share_statement
from analysis.search.pagination import ORDERINGS, UNDATED, Order
from analysis.search.results import Search
from analysis.search.sql.conditions import visibility_filter
from analysis.search.sql.expressions import Sql

MAX_RESULTS = 10_000
"""Results up to this size are counted exactly, in less than 100 ms."""
SAMPLE = 5_000
"""Of the whole library, about this many images are counted."""
MAX_SAMPLED = 25_000
"""Of the images with a label, at most about this many are counted."""
KEY = ORDERINGS["taken"].key
_MONTH = "date_trunc('month', {}, 'UTC')"


@dataclass(frozen=True)
class MonthCounts:
    """Images by the first moment of their month, in the order of the query."""

    numbers: dict[datetime, int]
    is_exact: bool = True


def count_by_month(search: Search) -> dict[datetime, int] | None:
    """Count the images by the first moment of their month, in the order of the query.

    The query must be sorted by time. None for results that are too large.
    """
    # Counted before the months, since a count stops early in large results; sorting all images takes a hundred times as
    # long.
    if search.count(cap=MAX_RESULTS) > MAX_RESULTS:
        return None
    if search.plan.ordering.order is Order.TIME and not search.plan.trash:
        return _counted(search)
    return Counter(start_of_month(moment) for _, moment in search.keys(limit=MAX_RESULTS))


def months_taken(search: Search) -> MonthCounts:
    """The months in which the images of a result were taken.

    Large results are counted on a sample. For the whole library all months are listed, for a search those in the
    sample.
    """
    if numbers := _months_of_certainly_large(search):
        return MonthCounts(_sorted(numbers, search), is_exact=False)
    counts = count_by_month(search)
    if counts is not None:
        return MonthCounts(counts)
    if search.plan.trash:
        return MonthCounts({}, is_exact=False)  # the samples leave the trash out
    numbers = _sampled_search(search)[0] if search.query.parts else _sampled_library(search)
    return MonthCounts(_sorted(numbers, search), is_exact=False)


def start_of_month(moment: datetime) -> datetime:
    """The first moment of the month in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _counted(search: Search) -> dict[datetime, int]:
    if search.plan.is_empty:
        return {}
    return _sorted(_by_month(search.plan.all_matches(cap=MAX_RESULTS)), search)


def _sorted(numbers: dict[datetime, int], search: Search) -> dict[datetime, int]:
    """In the order of the query, images without a date last."""
    months = sorted(numbers, reverse=not search.plan.ordering.is_ascending)
    months.sort(key=lambda month: month == UNDATED)
    return {month: numbers[month] for month in months}


def _months_of_certainly_large(search: Search) -> dict[datetime, int]:
    """The months in a sample if that proves the result too large to count; else empty."""
    plan = search.plan
    labels = () if plan.trash or plan.is_empty else plan.statistics(Order.NONE, limit=MAX_RESULTS).labels
    certain = CERTAIN_FACTOR * MAX_RESULTS
    if not labels or labels[0] <= CERTAIN_FACTOR * certain:
        return {}
    numbers, share = _sampled_search(search)
    return numbers if sum(numbers.values()) * share > certain else {}


def _sampled_search(search: Search) -> tuple[dict[datetime, int], int]:
    """Images by month in a sample of one in N images, and N."""
    statistics = search.plan.statistics(Order.NONE, limit=MAX_RESULTS)
    # The larger share has an index over label sets only.
    has_index = statistics.labels and statistics.labels[0] <= SHARES[0] * MAX_SAMPLED
    share = SHARES[0 if has_index else -1]
    return _by_month(share_statement(search.plan.parts, share, column="d.sort_time AS key")), share


def _sampled_library(search: Search) -> dict[datetime, int]:
    """All months of the library, with numbers from images at even intervals."""
    visible = visibility_filter(search.viewer, "i")
    [(first, last)] = fetch_all("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM analysis_image")
    step = max(1, (last - first) // SAMPLE)
    sample = Sql(
        f"""SELECT {_MONTH.format(KEY)}, count(*) FROM analysis_image i
            WHERE i.id = ANY(ARRAY(SELECT generate_series(%s::bigint, %s::bigint, %s::bigint)))
              AND i.trashed_at IS NULL AND {visible.text} GROUP BY 1""",
        (first, last, step, *visible.values),
    )
    return dict.fromkeys(_all_months(search), 1) | _fetch(sample)


def _all_months(search: Search) -> list[datetime]:
    """The months of the whole library, by one index lookup for each."""
    viewer = search.viewer
    if viewer.sees_all:
        branches = [Sql("true")]
    else:
        # Each has an index; the number is part of the text (see visibility_filter).
        branches = [Sql(f"i.visibility > 0 AND i.visibility >= {viewer.min_visibility:d}")]
        branches += [] if viewer.user_id is None else [Sql("i.owner_id = %s", (viewer.user_id,))]
    latest = "SELECT max({}) FROM (VALUES {}) branch (key)"
    step = """(SELECT {key} FROM analysis_image i WHERE i.trashed_at IS NULL AND {test} {before}
               ORDER BY {key} DESC LIMIT 1)"""
    first, following = (
        latest.format(
            _MONTH.format("key"),
            ", ".join(f"({step.format(key=KEY, test=branch.text, before=before)})" for branch in branches),
        )
        for before in ("", f"AND {KEY} < months.start")
    )
    values = [value for branch in branches for value in branch.values]
    rows = fetch_all(
        f"""WITH RECURSIVE months (start) AS (
                SELECT ({first}) UNION ALL SELECT ({following}) FROM months WHERE start IS NOT NULL)
            SELECT start FROM months WHERE start IS NOT NULL""",
        [*values, *values],
    )
    return [start for (start,) in rows]


def _by_month(hits: Sql) -> dict[datetime, int]:
    """Rows with a `key`, counted by month."""
    return _fetch(Sql(f"SELECT {_MONTH.format('key')}, count(*) FROM ({hits.text}) hits GROUP BY 1", hits.values))


def _fetch(statement: Sql) -> dict[datetime, int]:
    return {start.astimezone(UTC): number for start, number in fetch_all(statement.text, statement.values)}
