"""Timeline next to the grid: the months of a result and their shares of it."""

from __future__ import annotations

from dataclasses import dataclass

from analysis import formatting
from analysis.search.month_counts import months_taken
from analysis.search.pagination import UNDATED
from analysis.search.results import Search
from analysis.web import links
from analysis.web.library.filter_chips import Link
from analysis.web.library.sorting import is_ascending, month_cursors, month_name


@dataclass(frozen=True)
class TimelineMonth:
    """A month, linked to its place in the result.

    `weight` is its number of pictures, or of sampled pictures.
    """

    name: str
    key: str
    """Month as `2024-05`, the same as `Card.month`."""
    year: str
    url: str
    weight: int
    pictures: str
    """The number with a noun; empty if it is not exact."""


def timeline_of(search: Search, *, link: Link = links.library_url) -> list[TimelineMonth]:
    """The months of a result that is sorted by date taken."""
    counts = months_taken(search)
    before = {start: str(month_cursors(start, is_ascending=is_ascending(search.query))[0]) for start in counts.numbers}
    return [
        TimelineMonth(
            name=month_name(start),
            key=start.isoformat()[:7],
            year="" if start == UNDATED else str(start.year),
            # The first month links to the start of the result.
            url=link(search.query, after=before[start] if index else ""),
            weight=number,
            pictures=formatting.pictures(number) if counts.is_exact else "",
        )
        for index, (start, number) in enumerate(counts.numbers.items())
    ]
