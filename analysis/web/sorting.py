"""The orders a result can be shown in, and the months in it that one can go to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta

from analysis.models import Audience, Image
from analysis.search import results
from analysis.search.places import Place
from analysis.search.tree import Query
from analysis.web import present
from analysis.web.chips import Choice, Link

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
    words: str
    url: str


def sorts(query: Query, *, link: Link = present.library_url) -> list[Choice]:
    """By confidence only where a label says of what."""
    offered = (sort for sort in WORDS if sort != "confidence" or query.labels or query.sort == sort)
    return [
        Choice(WORDS[sort].capitalize(), link(query.sorted_by(sort)), is_current=sort == query.sort) for sort in offered
    ]


def has_months(query: Query) -> bool:
    return query.sort in {"newest", "oldest", "taken"}


def months(query: Query, *, audience: Audience) -> list[Month]:
    """The months of a result in its order, each found by going on after the one before; at most ten years of them.

    None where the order is not one of time.
    """
    if not has_months(query):
        return []
    found: list[Month] = []
    place: Place | None = None
    while len(found) < MOST_MONTHS:
        images = results.page(query, audience=audience, after=place, size=1).images
        if not images:
            break
        start = _start(_moment(images[0], query))
        before, place = _around(start, is_ascending=query.sort == "oldest")
        found.append(Month(f"{start:%B %Y}", present.library_url(query, after=str(before) if found else "")))
    return found


def _moment(image: Image, query: Query) -> datetime:
    return (image.taken_at or image.added_at) if query.sort == "taken" else image.added_at


def _start(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _around(start: datetime, *, is_ascending: bool) -> tuple[Place, Place]:
    """The places just before and just after the pictures of a month, in the order of the result."""
    following = LAST_MOMENT  # a camera's clock may say so
    if (start.year, start.month) < (MAXYEAR, 12):
        following = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    if is_ascending:
        return Place(_just_before(start), LAST_ID), Place(_just_before(following), LAST_ID)
    return Place(following, 0), Place(start, 0)


def _just_before(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=1)
