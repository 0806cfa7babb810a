"""The orders a result can be shown in, and the months in it that one can go to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta

from analysis.models import Image, Viewer
from analysis.search import results
from analysis.search.month_counts import count_by_month, start_of_month
from analysis.search.pagination import Cursor
from analysis.search.query import Query
from analysis.web import links
from analysis.web.confidence_bar import Bar, bar
from analysis.web.library.filter_chips import Choice, Link

WORDS = {
    "newest": "newest first",
    "oldest": "oldest first",
    "taken": "latest taken first",
    "confidence": "most confident first",
    "name": "by name",
    "size": "largest first",
}
MOST_MONTHS = 120
LAST_ID = 10**18 - 1
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Month:
    """`bar`: how many pictures it has beside the one that has most."""

    words: str
    url: str
    count: str
    bar: Bar | None


def sorts(query: Query, *, link: Link = links.library_url) -> list[Choice]:
    """By confidence only where a label says of what."""
    offered = (sort for sort in WORDS if sort != "confidence" or query.labels or query.sort == sort)
    return [
        Choice(WORDS[sort].capitalize(), link(query.sorted_by(sort)), is_current=sort == query.sort) for sort in offered
    ]


def has_months(query: Query) -> bool:
    return query.sort in {"newest", "oldest", "taken"}


def months(query: Query, *, viewer: Viewer) -> list[Month]:
    """The months of a result in its order, with how many pictures each has where that is soon counted.

    None where the order is not one of time.
    """
    if not has_months(query):
        return []
    numbers = count_by_month(query, viewer=viewer)
    if numbers is None:
        return [_month(start, query, is_first=not place) for place, start in enumerate(_starts(query, viewer))]
    maximum = max(numbers.values(), default=1)
    return [
        _month(start, query, is_first=not place, number=number, maximum=maximum)
        for place, (start, number) in enumerate(numbers.items())
    ]


def _starts(query: Query, viewer: Viewer) -> Iterator[datetime]:
    """Each month found by going on after the one before; at most ten years of them."""
    place: Cursor | None = None
    for _ in range(MOST_MONTHS):
        images = results.page(query, viewer=viewer, after=place, size=1).images
        if not images:
            return
        yield (start := start_of_month(_moment(images[0], query)))
        _, place = _around(start, is_ascending=query.sort == "oldest")


def _month(start: datetime, query: Query, *, is_first: bool, number: int = 0, maximum: int = 1) -> Month:
    before, _ = _around(start, is_ascending=query.sort == "oldest")
    url = links.library_url(query, after="" if is_first else str(before))
    return Month(
        f"{start:%B %Y}", url, f"{number:,}" if number else "", bar(100 * number / maximum) if number else None
    )


def _moment(image: Image, query: Query) -> datetime:
    return (image.taken_at or image.added_at) if query.sort == "taken" else image.added_at


def _around(start: datetime, *, is_ascending: bool) -> tuple[Cursor, Cursor]:
    """The places just before and just after the pictures of a month, in the order of the result."""
    following = LAST_MOMENT  # a camera's clock may say so
    if (start.year, start.month) < (MAXYEAR, 12):
        following = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    if is_ascending:
        return Cursor(_just_before(start), LAST_ID), Cursor(_just_before(following), LAST_ID)
    return Cursor(following, 0), Cursor(start, 0)


def _just_before(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=1)
