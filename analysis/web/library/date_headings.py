"""Month and day headings between the cards, when sorted by date taken.

Each month has one, and so has each day with many pictures. A heading begins a new row, so one for every day would leave
most rows of a library empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.curation.bulk import MAX_IDS
from analysis.models import Image
from analysis.search.pagination import MAX_ID, TAKEN_SORTS, UNDATED, Cursor
from analysis.search.query import Query
from analysis.search.results import Search
from analysis.web import links
from analysis.web.library.cards import Card, DateHeading
from analysis.web.library.sorting import is_ascending, month_cursors, month_name

MANY = 12
"""Pictures from which a day gets a heading: about two rows."""
NO_DAY = UNDATED.date()


@dataclass(frozen=True)
class DatedCards:
    """The cards of a page with their headings.

    `ends_in_long_day` if the last card belongs to a day that has a heading.
    """

    cards: list[Card]
    ends_in_long_day: bool = False


@dataclass(frozen=True)
class PreviousEnd:
    """The end of the previous page, if this page is appended to it."""

    cursor: Cursor | None = None
    is_long_day: bool = False

    @property
    def day(self) -> date | None:
        """The day of its last picture."""
        return self.cursor.key.date() if self.cursor and isinstance(self.cursor.key, datetime) else None


START = PreviousEnd()


def with_headings(
    cards: Sequence[Card],
    images: Sequence[Image],
    query: Query,
    *,
    following: Sequence[Image] = (),
    before: PreviousEnd = START,
) -> DatedCards:
    """The cards of a page with headings.

    `following`: up to MANY - 1 images after them.
    """
    if query.sort not in TAKEN_SORTS:
        return DatedCards(list(cards))
    numbers = Counter(_day_of(image) for image in (*images, *following))
    day, is_long, result = before.day, before.is_long_day, list[Card]()
    for card, image in zip(cards, images, strict=True):
        previous, was_long, day = day, is_long, _day_of(image)
        if day == previous:
            result.append(card)
            continue
        is_long = day != NO_DAY and numbers[day] >= MANY
        headings = _headings(day, previous, query, is_long=is_long, was_long=was_long)
        result.append(replace(card, headings=headings))
    return DatedCards(result, is_long)


@dataclass(frozen=True)
class Period:
    """A month or a day; `end` is the cursor just before it in the result."""

    start: datetime
    end: Cursor


def period_of(text: str) -> Period | None:
    """Parse the period in a URL, `2024-05` or `2024-05-31`; None for other texts."""
    is_day = text.count("-") == 2
    try:
        start = datetime.strptime(text, "%Y-%m-%d" if is_day else "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None
    if is_day:
        return Period(start, Cursor(start.replace(hour=23, minute=59, second=59, microsecond=999_999), MAX_ID + 1))
    return Period(start, month_cursors(start, is_ascending=False)[0])


def ids_of_period(search: Search, period: Period) -> list[int] | None:
    """The ids of the pictures of a month or a day.

    None if there are more than a bulk change accepts.
    """
    keys = search.keys(limit=MAX_IDS + 1, after=period.end)
    ids = [image_id for image_id, moment in keys if moment >= period.start]
    return ids if len(ids) <= MAX_IDS else None


def _headings(
    day: date, previous: date | None, query: Query, *, is_long: bool, was_long: bool
) -> tuple[DateHeading, ...]:
    is_new_month = previous is None or (day.year, day.month) != (previous.year, previous.month)
    month = datetime(day.year, day.month, 1, tzinfo=UTC)
    names = []
    if is_new_month:
        names.append((month_name(month), month.isoformat()[:7], False))
    if is_long:
        names.append((formatting.weekday(day), day.isoformat(), True))
    elif was_long and not is_new_month:
        text = _("Later in %(month)s") if is_ascending(query) else _("Earlier in %(month)s")
        names.append((text % {"month": month_name(month)}, "", True))
    return tuple(
        # No row to end before the first heading, or between a month's heading and a day's.
        DateHeading(name, _ids_url(query, period), is_day=is_day, ends_row=previous is not None and not index)
        for index, (name, period, is_day) in enumerate(names)
    )


def _ids_url(query: Query, period: str) -> str:
    return links.with_parameters(reverse("period-ids"), q=query.text, period=period) if period else ""


def _day_of(image: Image) -> date:
    # Not converted: it is stored as the time on the camera's clock.
    return (image.taken_at or UNDATED).date()
