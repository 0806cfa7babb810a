"""Sort menu of a result, and the list of its months."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from itertools import islice

from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analysis import formatting
from analysis.models import Image, Viewer
from analysis.search.month_counts import count_by_month, start_of_month
from analysis.search.pagination import MAX_ID, ORDERINGS, TAKEN_SORTS, UNDATED, Cursor
from analysis.search.query import Query, default_sort
from analysis.search.results import Search
from analysis.web import links
from analysis.web.confidence_bar import Bar, bar
from analysis.web.library.filter_chips import FilterChoice, Link

SORT_NAMES = {
    "taken": _("newest first"),
    "taken-oldest": _("oldest first"),
    "newest": _("recently added first"),
    "oldest": _("earliest added first"),
    "confidence": _("most confident first"),
    "name": _("by name"),
    "size": _("largest first"),
    "similarity": _("most similar first"),
}
MAX_MONTHS = 120
"""Maximum of months on one page whose pictures are not counted."""
MAX_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Month:
    """A month; `bar` is its number of pictures relative to the largest month."""

    name: str
    url: str
    count: str
    bar: Bar | None


@dataclass(frozen=True)
class MonthList:
    """Months of a result; `end` is the cursor after the last one, if more follow."""

    months: list[Month]
    end: Cursor | None = None


def sort_name(sort: str) -> str:
    return str(SORT_NAMES[sort])


def previous_name(sort: str) -> str:
    """Text of the link to the pictures before the first one shown."""
    if sort in {"taken", "newest"}:
        return gettext("Newer pictures")
    return gettext("Older pictures") if sort in {"taken-oldest", "oldest"} else gettext("Previous pictures")


def sort_choices(query: Query, *, link: Link = links.library_url) -> list[FilterChoice]:
    """The sort menu.

    It offers confidence only if the query has a label, and similarity only if it has a picture to compare.
    """
    has_picture = default_sort(query.parts) == "similarity"
    is_offered = {"confidence": bool(query.labels), "similarity": has_picture}
    sorts = (sort for sort in SORT_NAMES if is_offered.get(sort, True) or query.sort == sort)
    return [FilterChoice(capfirst(sort_name(sort)), link(query.sorted_by(sort)), sort == query.sort) for sort in sorts]


def has_months(query: Query) -> bool:
    """True if the result is sorted by time."""
    return query.sort in {"newest", "oldest", *TAKEN_SORTS}


def is_ascending(query: Query) -> bool:
    return ORDERINGS[query.sort].is_ascending


def months(query: Query, *, viewer: Viewer, link: Link = links.library_url, after: Cursor | None = None) -> MonthList:
    """The months of a result in its order, with counts if they are quick to get.

    Without counts, MAX_MONTHS of them after a cursor.
    """
    if not has_months(query):
        return MonthList([])
    search = Search(query, viewer)
    counts = count_by_month(search)
    if counts is None:
        return _uncounted_months(search, link, after)
    maximum = max(counts.values(), default=1)
    return MonthList(
        [
            _month(start, query, link, is_first=not index, number=number, maximum=maximum)
            for index, (start, number) in enumerate(counts.items())
        ]
    )


def _uncounted_months(search: Search, link: Link, after: Cursor | None) -> MonthList:
    starts = list(islice(_month_starts(search, after), MAX_MONTHS + 1))
    listed = [
        _month(start, search.query, link, is_first=not (index or after))
        for index, start in enumerate(starts[:MAX_MONTHS])
    ]
    if len(starts) <= MAX_MONTHS:
        return MonthList(listed)
    return MonthList(listed, month_cursors(starts[-2], is_ascending=is_ascending(search.query))[1])


def _month_starts(search: Search, after: Cursor | None) -> Iterator[datetime]:
    """Starts of the months with pictures after a cursor, found by one-row pages."""
    # One indexed row per month; GROUP BY month would read every picture of the result.
    while images := search.page(after=after, size=1).images:
        yield (start := start_of_month(_sort_time(images[0], search.query)))
        after = month_cursors(start, is_ascending=is_ascending(search.query))[1]


def _month(start: datetime, query: Query, link: Link, *, is_first: bool, number: int = 0, maximum: int = 1) -> Month:
    before = month_cursors(start, is_ascending=is_ascending(query))[0]
    return Month(
        name=month_name(start),
        url=link(query, after="" if is_first else str(before)),
        count=formatting.count(number) if number else "",
        bar=bar(100 * number / maximum) if number else None,
    )


def month_name(start: datetime) -> str:
    return gettext("Undated") if start == UNDATED else formatting.month(start)


def _sort_time(image: Image, query: Query) -> datetime:
    return (image.taken_at or UNDATED) if query.sort in TAKEN_SORTS else image.added_at


def month_cursors(start: datetime, *, is_ascending: bool) -> tuple[Cursor, Cursor]:
    """Cursors just before and just after a month, in the result's order."""
    next_start = MAX_TIME  # a camera's clock may be set to December 9999
    if (start.year, start.month) < (MAXYEAR, 12):
        next_start = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    # All undated pictures have the same time, and come last in both orders.
    if is_ascending and start == UNDATED:
        return Cursor(UNDATED, 0), Cursor(UNDATED, MAX_ID)
    if is_ascending:
        return Cursor(_just_before(start), MAX_ID), Cursor(_just_before(next_start), MAX_ID)
    return Cursor(next_start, 0), Cursor(start, 0)


# PostgreSQL stores timestamps to the microsecond.
def _just_before(time: datetime) -> datetime:
    return time - timedelta(microseconds=1)
