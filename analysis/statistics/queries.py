"""Queries on the statistics tables, for one user (None: for all)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.timezone import now

from analysis.models import Label
from analysis.models.search_index import SHARES
from analysis.statistics.aggregation import HOURS
from analysis.statistics.latency_histogram import percentile
from analysis.statistics.periods import Period, midnight

CONFIDENCE_BINS = 20
# About this number of pictures is read for growing labels: of more, a sample by a hash of their ids.
SAMPLE_LIMIT = 2_000
MAX_LABELS = 12
UNCOUNTED_CAP = 10_000
"""Pictures read to count them where there are no statistics yet."""


@dataclass(frozen=True)
class Total:
    """Pictures and the size of their originals."""

    pictures: int
    bytes: int
    cap: int | None = None
    """If not None, pictures were counted up to this number and one more."""


@dataclass(frozen=True)
class Ended:
    answered: int = 0
    reused: int = 0
    failed: int = 0
    dollars: Decimal = Decimal(0)


@dataclass(frozen=True)
class Calls:
    """Requests sent, their cost, and the cost saved by cached responses."""

    calls: int = 0
    answered: int = 0
    dollars: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)


@dataclass(frozen=True)
class Latency:
    """Response times in milliseconds."""

    api: str
    median: float
    p95: float
    answers: int


@dataclass(frozen=True)
class GrowingLabel:
    """Pictures with this label that were added in a period, and in the period before."""

    name: str
    now: int
    before: int


@dataclass(frozen=True)
class GrowingLabels:
    labels: list[GrowingLabel]
    one_in: int
    """One in this many pictures was read, and numbers are scaled up."""


def total(person_id: int | None, *, before: datetime | None = None) -> Total:
    """Number of pictures and size of their originals, added before a moment if given."""
    # Of the last day, the rows by hour up to the moment; of all days before it, those by day.
    day = midnight(before.astimezone(UTC), UTC) if before else None
    (row,) = _rows(
        f"""SELECT coalesce(sum(pictures), 0)::bigint, coalesce(sum(bytes), 0)::bigint FROM analysis_addedstatistics
            WHERE {_owner_condition(person_id)} AND CASE WHEN is_hour THEN start >= %(day)s AND start < %(before)s
                  ELSE start < %(day)s OR %(day)s::timestamptz IS NULL END""",
        {"person": person_id, "before": before, "day": day},
    )
    return Total(*row)


def current_total(person_id: int | None) -> Total:
    """Return the total, also in the minute after an import.

    Without statistics, pictures are counted up to UNCOUNTED_CAP and one more.
    """
    counted = total(person_id)
    if counted.pictures:
        return counted
    ((pictures, size),) = _rows(
        """SELECT count(*), coalesce(sum(size) FILTER (WHERE bucket_id IS NULL), 0)::bigint
           FROM (SELECT size, bucket_id FROM analysis_image
                 WHERE trashed_at IS NULL AND (%(person)s::bigint IS NULL OR owner_id = %(person)s)
                 LIMIT %(limit)s) image""",
        {"person": person_id, "limit": UNCOUNTED_CAP + 1},
    )
    return Total(pictures, size, UNCOUNTED_CAP)


def added(span: Period, person_id: int | None) -> dict[datetime, Total]:
    rows = _by_step(span, person_id, "analysis_addedstatistics", "sum(pictures)::bigint, sum(bytes)::bigint")
    return {start: Total(*rows[start]) if start in rows else Total(0, 0) for start in span.starts}


def ended(span: Period, person_id: int | None) -> dict[datetime, Ended]:
    sums = "sum(answered)::bigint, sum(reused)::bigint, sum(failed)::bigint, sum(dollars)"
    rows = _by_step(span, person_id, "analysis_endedstatistics", sums)
    return {start: Ended(*rows.get(start, ())) for start in span.starts}


def calls(span: Period) -> dict[datetime, Calls]:
    """Calls from the ledger, which has days in UTC, as they are billed, but no hours."""
    rows = _rows(
        """SELECT day, sum(calls)::bigint, sum(answered)::bigint, sum(dollars), sum(saved)
           FROM (SELECT day, calls, answered, dollars, saved FROM analysis_spend
                 UNION ALL SELECT day, calls, answered, dollars, saved FROM analysis_spendentry) spent
           WHERE day >= %(start)s AND day <= %(end)s GROUP BY 1""",
        {"start": span.start.date(), "end": span.last_day},
    )
    totals = _added_up(span, ((midnight(day, span.zone), *values) for day, *values in rows))
    return {start: Calls(*totals.get(start, ())) for start in span.starts}


def latencies(span: Period) -> list[Latency]:
    counts: dict[str, dict[int, int]] = {}
    rows = _rows(
        """SELECT api, step, sum(answers)::bigint FROM analysis_latencystatistics
           WHERE is_hour = %(hourly)s AND start >= %(start)s AND start < %(end)s GROUP BY api, step ORDER BY api""",
        {"hourly": span.is_hourly, "start": span.start, "end": span.end},
    )
    for api, step, answers in rows:
        counts.setdefault(api, {})[step] = answers
    return [
        Latency(api, percentile(bins, 0.5) or 0, percentile(bins, 0.95) or 0, sum(bins.values()))
        for api, bins in counts.items()
    ]


def confidences(person_id: int | None) -> list[int]:
    """Number of labels by confidence, in bins of five percent."""
    rows = _rows(
        f"SELECT step, labels FROM analysis_confidencestatistics WHERE {_owner_condition(person_id)}",
        {"person": person_id},
    )
    bins = dict(rows)
    return [bins.get(step, 0) for step in range(CONFIDENCE_BINS)]


def frequent_labels() -> list[tuple[str, int]]:
    """The library's most frequent labels, with their number of pictures."""
    visible = Label.objects.filter(kind=Label.Kind.LABEL, is_hidden=False, image_count__gt=0)
    return list(visible.order_by("-image_count", "name").values_list("name", "image_count")[:MAX_LABELS])


_BY_IMAGE = """
    SELECT image.added_at >= %(start)s AS is_now, image_index.label_ids
    FROM analysis_image image JOIN analysis_imageindex image_index ON image_index.image_id = image.id
    WHERE image.trashed_at IS NULL AND image.added_at >= %(before)s AND image.added_at < %(end)s
      AND (%(person)s::bigint IS NULL OR image.owner_id = %(person)s) AND (hashint8(image.id) & %(mask)s) = 0
"""
# For periods with too many pictures to read all: uses the partial index on a share of all rows.
_BY_PARTIAL_INDEX = """
    SELECT image.added_at >= %(start)s AS is_now, image_index.label_ids
    FROM analysis_imageindex image_index JOIN analysis_image image ON image.id = image_index.image_id
    WHERE (hashint8(image_index.image_id) & {share}) = 0 AND (hashint8(image_index.image_id) & %(mask)s) = 0
      AND image.added_at >= %(before)s AND image.added_at < %(end)s
      AND (%(person)s::bigint IS NULL OR image_index.owner_id = %(person)s)
"""


def growing_labels(span: Period, person_id: int | None, *, pictures: int) -> GrowingLabels:
    """The labels that grew most since the period before.

    `pictures`: approximate number added in both periods.
    """
    one_in = 1
    while pictures > one_in * SAMPLE_LIMIT:
        # A power of two, since the sample is taken by the last bits of a hash.
        one_in *= 2
    sample = (_BY_PARTIAL_INDEX if one_in >= SHARES[-1] else _BY_IMAGE).format(share=SHARES[-1] - 1)
    rows = _rows(
        f"""
        WITH sample AS ({sample}),
        counted AS (
            SELECT label_id, count(*) FILTER (WHERE is_now) AS now, count(*) FILTER (WHERE NOT is_now) AS before
            FROM sample, unnest(sample.label_ids) label_id GROUP BY label_id)
        SELECT label.name, counted.now, counted.before
        FROM counted JOIN analysis_label label ON label.id = counted.label_id
        WHERE label.kind = 'label' AND NOT label.is_hidden AND counted.now > counted.before
        ORDER BY counted.now - counted.before DESC, label.name LIMIT %(limit)s
        """,
        {
            "start": span.start,
            "before": span.before().start,
            "end": span.end,
            "person": person_id,
            "mask": one_in - 1,
            "limit": MAX_LABELS,
        },
    )
    return GrowingLabels([GrowingLabel(name, now * one_in, before * one_in) for name, now, before in rows], one_in)


def _by_step(span: Period, person_id: int | None, table: str, sums: str) -> dict[datetime, Sequence[Any]]:
    """Sums by step, from hours where a day of the reader isn't one of UTC."""
    has_hours = span.start > now() - HOURS + timedelta(days=1)
    is_hourly = span.is_hourly or (has_hours and not span.is_utc)
    first, end = (span.start, span.end) if is_hourly else _utc_days(span)
    rows = _rows(
        f"""SELECT start, {sums} FROM {table}
            WHERE {_owner_condition(person_id)} AND is_hour = %(hourly)s AND start >= %(start)s AND start < %(end)s
            GROUP BY 1""",
        {"hourly": is_hourly, "start": first, "end": end, "person": person_id},
    )
    if not is_hourly:
        rows = [(midnight(start.astimezone(UTC), span.zone), *values) for start, *values in rows]
    return _added_up(span, rows)


def _added_up(span: Period, rows: Iterable[Sequence[Any]]) -> dict[datetime, Sequence[Any]]:
    totals: dict[datetime, Sequence[Any]] = {}
    for moment, *values in rows:
        step = span.step(moment)
        if step is not None:
            totals[step] = [old + new for old, new in zip(totals.get(step, [0] * len(values)), values, strict=True)]
    return totals


def _utc_days(span: Period) -> tuple[datetime, datetime]:
    """The days in UTC that have the same dates, and the end of the last one."""
    return midnight(span.start, UTC), midnight(span.last_day, UTC) + timedelta(days=1)


def _owner_condition(person_id: int | None) -> str:
    """SQL condition; rows for all owners together have no owner."""
    return "owner_id IS NULL" if person_id is None else "owner_id = %(person)s"


def _rows(sql: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
