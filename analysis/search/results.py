"""A query's pictures, page by page: an ordered walk along the rarest label that looks the other labels up.

Scalar subqueries, since the planner turns EXISTS into joins of whole label sets and then needs seconds at ten million
pictures; a budgeted walk first, since a page is mostly found within the newest few thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from analysis.models import Audience, Image
from analysis.search.query import Query
from analysis.search.resolve import Condition, resolve

PAGE_SIZE = 60
BUDGET = 3_000
COUNT_CAP = 10_000

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """Where a page ends: the key of its last picture. Survives pictures that come and go, as an offset would not."""

    added_at: datetime
    image_id: int

    def __str__(self) -> str:
        return f"{(self.added_at - EPOCH) // timedelta(microseconds=1)}-{self.image_id}"

    @classmethod
    def from_text(cls, text: str) -> Place | None:
        """The place a link names; None for anything else, which means the start."""
        moment, _, image_id = text.partition("-")
        if not (moment.isdecimal() and image_id.isdecimal() and len(moment) <= 17 and len(image_id) <= 18):
            return None
        try:
            return cls(EPOCH + timedelta(microseconds=int(moment)), int(image_id))
        except OverflowError:
            return None


@dataclass(frozen=True)
class Page:
    images: list[Image]
    next: Place | None


def page(
    query: Query, *, audience: Audience, after: Place | None = None, size: int = PAGE_SIZE, budget: int = BUDGET
) -> Page:
    """One page of pictures, newest first. `budget`: how far the first walk goes before the whole is gone through."""
    keys = _keys(query, audience=audience, after=after, limit=size + 1, budget=budget)
    found = Image.objects.in_bulk([image_id for image_id, _ in keys[:size]])
    last = Place(keys[size - 1][1], keys[size - 1][0]) if len(keys) > size else None
    return Page([found[image_id] for image_id, _ in keys[:size] if image_id in found], last)


def count(query: Query, *, audience: Audience, cap: int = COUNT_CAP) -> int:
    """How many pictures, exact up to `cap`; one more than it means more."""
    conditions = resolve(query)
    if _is_empty(conditions):
        return 0
    sql, parameters = _walk(conditions, audience=audience, after=None, limit=cap + 1, budget=None)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) hits", parameters)  # noqa: S608
        return int(cursor.fetchone()[0])


def image_ids(query: Query, *, audience: Audience, limit: int) -> list[int]:
    """The newest pictures' ids, for what is computed over a result."""
    return [image_id for image_id, _ in _keys(query, audience=audience, after=None, limit=limit)]


def _keys(
    query: Query, *, audience: Audience, after: Place | None, limit: int, budget: int = BUDGET
) -> list[tuple[int, datetime]]:
    conditions = resolve(query)
    if _is_empty(conditions):
        return []
    for most in (budget, None) if limit < budget and len(conditions) > 1 else (None,):
        sql, parameters = _walk(conditions, audience=audience, after=after, limit=limit, budget=most)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            keys: list[tuple[int, datetime]] = cursor.fetchall()
        if len(keys) == limit:
            break
    return keys


def _is_empty(conditions: tuple[Condition, ...]) -> bool:
    """A wanted label that does not exist: no picture can carry it."""
    return any(not each.label_ids and not each.is_excluded for each in conditions)


def _walk(
    conditions: tuple[Condition, ...], *, audience: Audience, after: Place | None, limit: int, budget: int | None
) -> tuple[str, list[Any]]:
    driver = conditions[0] if conditions and not conditions[0].is_excluded else None
    others = [each for each in conditions if each is not driver and each.label_ids]
    inner, parameters = (
        _along_label(driver, audience=audience, after=after, budget=budget)
        if driver
        else _along_images(audience=audience, after=after, budget=budget)
    )
    probes = [_probe(each) for each in others]
    where = f"WHERE {' AND '.join(sql for sql, _ in probes)}" if probes else ""
    sql = f"""
        SELECT d.image_id, d.added_at FROM ({inner}) d {where}
        ORDER BY d.added_at DESC, d.image_id DESC LIMIT %s
    """  # noqa: S608
    return sql, [*parameters, *(value for _, values in probes for value in values), limit]


def _along_label(
    driver: Condition, *, audience: Audience, after: Place | None, budget: int | None
) -> tuple[str, list[Any]]:
    seen, seen_by = _seen(audience)
    start, started = _started("image_id", after)
    branch = f"""
        (SELECT image_id, added_at FROM analysis_imagelabel
         WHERE label_id = %s AND confidence >= %s AND {seen} {start}
         ORDER BY added_at DESC, image_id DESC LIMIT %s)
    """  # noqa: S608
    branches = [branch] * len(driver.label_ids)
    parameters = [
        value for label_id in driver.label_ids for value in (label_id, driver.least, *seen_by, *started, budget)
    ]
    if len(branches) == 1:
        return branch, parameters
    merged = " UNION ALL ".join(branches)
    return (
        f"SELECT DISTINCT image_id, added_at FROM ({merged}) m ORDER BY added_at DESC, image_id DESC LIMIT %s",  # noqa: S608
        [*parameters, budget],
    )


def _along_images(*, audience: Audience, after: Place | None, budget: int | None) -> tuple[str, list[Any]]:
    seen, seen_by = _seen(audience)
    start, started = _started("id", after)
    sql = f"""
        SELECT id AS image_id, added_at FROM analysis_image
        WHERE trashed_at IS NULL AND {seen} {start}
        ORDER BY added_at DESC, id DESC LIMIT %s
    """  # noqa: S608
    return sql, [*seen_by, *started, budget]


def _seen(audience: Audience) -> tuple[str, list[Any]]:
    if audience.person_id is None:
        return "openness >= %s", [audience.least_openness]
    return "(owner_id = %s OR openness >= %s)", [audience.person_id, audience.least_openness]


def _started(column: str, after: Place | None) -> tuple[str, list[Any]]:
    if after is None:
        return "", []
    return f"AND (added_at, {column}) < (%s, %s)", [after.added_at, after.image_id]


def _probe(condition: Condition) -> tuple[str, list[Any]]:
    """One other label, looked up in the row's own index entry. The aggregate keeps it scalar for sets of labels."""
    looked_up = """(SELECT max(p.confidence) FROM analysis_imagelabel p
                    WHERE p.image_id = d.image_id AND p.label_id = ANY(%s))"""
    if condition.is_excluded:
        return f"coalesce({looked_up}, -1) < %s", [list(condition.label_ids), condition.least]
    return f"{looked_up} >= %s", [list(condition.label_ids), condition.least]
