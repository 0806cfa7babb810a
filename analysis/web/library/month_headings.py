"""Headings of months between the cards of the order by date taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from django.urls import reverse

from analysis.curation.bulk import MAX_IDS
from analysis.models import Image
from analysis.search.month_counts import start_of_month
from analysis.search.pagination import UNDATED, Cursor
from analysis.search.query import Query
from analysis.search.results import Search
from analysis.web import links
from analysis.web.library.cards import Card, MonthHeading
from analysis.web.library.sorting import month_cursors, month_name

SORT = "taken"
"""The order that has headings: in the others, the pictures of a month are not together."""


def with_headings(
    cards: Sequence[Card], images: Sequence[Image], query: Query, *, after: Cursor | None = None
) -> list[Card]:
    """The cards of a page, the first one of each month with its heading.

    `after` is the end of the page before, if both are shown together.
    """
    if query.sort != SORT:
        return list(cards)
    month = start_of_month(after.key) if after and isinstance(after.key, datetime) else None
    result = []
    for card, image in zip(cards, images, strict=True):
        before, month = month, start_of_month(image.taken_at or UNDATED)
        heading = None if month == before else _heading(month, query, is_first=before is None)
        result.append(replace(card, heading=heading) if heading else card)
    return result


def month_of(text: str) -> datetime | None:
    """The month in an address, as `2024-05`; None for other texts."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None


def ids_of_month(search: Search, month: datetime) -> list[int] | None:
    """The ids of the pictures of a month.

    None for more than a bulk change accepts.
    """
    keys = search.keys(limit=MAX_IDS + 1, after=month_cursors(month, is_ascending=False)[0])
    ids = [image_id for image_id, moment in keys if moment >= month]
    return ids if len(ids) <= MAX_IDS else None


def _heading(month: datetime, query: Query, *, is_first: bool) -> MonthHeading:
    # Not strftime: it writes year 1 with one digit.
    url = links.with_parameters(reverse("month-ids"), q=query.text, month=month.isoformat()[:7])
    return MonthHeading(month_name(month), url, is_first)
