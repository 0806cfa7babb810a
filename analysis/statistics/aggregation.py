"""Updates the statistics tables, using at most 1 % of the time.

A recount writes only rows that differ, so it also repairs tables after a crash or a bug.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.timezone import now

from analysis.models import StatisticsRun
from analysis.statistics.latency_histogram import BIN_OF

# Seconds between two counts of a table.
MIN_INTERVAL = 60.0
# The pause after a count is at least this many times its duration.
COST_FACTOR = 100
# Age up to which rows per hour are kept; older ones are per day. Hours add up to the days of other time zones. If
# an offset is not of whole hours, the hour across midnight counts for the day in which it begins.
HOURS = timedelta(days=400)
LATENCY_HOURS = timedelta(days=2)
OWNER = "owner_id"
# An analysis that ended this long before the last count may have been committed after that count.
LATE_COMMITS = timedelta(hours=1)
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Kind:
    """A statistics table.

    `query`: counts its rows from the data, per owner, from `%(since)s` on if `is_append_only`.
    """

    name: str
    table: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    query: str
    is_append_only: bool = False
    """Its data never changes afterwards, so only the days since the last count are counted."""
    hours: timedelta = HOURS


@dataclass(frozen=True)
class CountResult:
    """A finished count: `differing` rows were written or deleted."""

    name: str
    differing: int
    seconds: float


def refresh_due() -> list[CountResult]:
    """Recount the tables that are due."""
    return [result for kind in KINDS if is_due(kind) for result in _count(kind, is_full=False)]


def rebuild() -> Iterator[CountResult]:
    """Recount all tables from the beginning."""
    for kind in KINDS:
        yield from _count(kind, is_full=True)


def is_due(kind: Kind) -> bool:
    run = StatisticsRun.objects.filter(name=kind.name).first()
    return run is None or now() - run.at >= timedelta(seconds=max(MIN_INTERVAL, COST_FACTOR * run.seconds))


def _count(kind: Kind, *, is_full: bool) -> list[CountResult]:
    """Recount one table; empty if another worker is counting it."""
    started = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        # "try", since a worker that waited would only count again what has just been counted.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"figures {kind.name}"])
        if not cursor.fetchone()[0]:
            return []
        last = None if is_full else StatisticsRun.objects.filter(name=kind.name).first()
        moment = now()
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(_statement(kind), {"since": _since(last, kind), "hours": moment - kind.hours})
        (differing,) = cursor.fetchone()
        seconds = time.monotonic() - started
        StatisticsRun.objects.update_or_create(name=kind.name, defaults={"at": Now(), "seconds": seconds})
    return [CountResult(kind.name, differing, seconds)]


def _since(last: StatisticsRun | None, kind: Kind) -> datetime:
    """Start of the first day that may have changed since the last count."""
    if last is None or not kind.is_append_only:
        return EPOCH
    return (last.at - LATE_COMMITS).replace(hour=0, minute=0, second=0, microsecond=0)


def _statement(kind: Kind) -> str:
    """SQL that updates the table and returns the number of changed rows."""
    # ROW(), since PostgreSQL takes a list of one value in parentheses for the value itself.
    keys, values = ", ".join(kind.keys), ", ".join(kind.values)
    old, new = (", ".join(f"{row}.{name}" for name in kind.values) for row in ("old", "excluded"))
    same = " AND ".join(f"{_comparable('counted', name)} = {_comparable('old', name)}" for name in kind.keys)
    stale = "(old.start >= %(since)s OR old.is_hour AND old.start < %(hours)s) AND" if kind.is_append_only else ""
    return f"""
        WITH by_owner AS MATERIALIZED ({kind.query}),
        counted AS MATERIALIZED (SELECT {keys}, {values} FROM by_owner {_totals(kind)}),
        written AS (
            INSERT INTO {kind.table} AS old ({keys}, {values}) SELECT {keys}, {values} FROM counted
            ON CONFLICT ({keys}) DO UPDATE SET ({values}) = ROW({new}) WHERE ({old}) IS DISTINCT FROM ({new})
            RETURNING 1),
        deleted AS (
            DELETE FROM {kind.table} old WHERE {stale} NOT EXISTS (SELECT FROM counted WHERE {same}) RETURNING 1)
        SELECT (SELECT count(*) FROM written) + (SELECT count(*) FROM deleted)
    """


def _totals(kind: Kind) -> str:
    """SQL that adds rows without an owner, for all owners together."""
    if OWNER not in kind.keys:
        return ""
    others = ", ".join(name for name in kind.keys if name != OWNER)
    sums = ", ".join(f"sum({name})" for name in kind.values)
    return f"UNION ALL SELECT NULL, {others}, {sums} FROM by_owner GROUP BY {others}"


def _comparable(row: str, name: str) -> str:
    """A key column without NULL, since IS NOT DISTINCT FROM would prevent a hash join."""
    return f"coalesce({row}.{name}, 0)" if name == OWNER else f"{row}.{name}"


_HOURS_AND_DAYS = """
    SELECT true AS is_hour, hours.* FROM hours WHERE start >= %(hours)s
    UNION ALL
    SELECT false, date_trunc('day', start, 'UTC'), {keys}, {sums} FROM hours GROUP BY 2, {keys}
"""


def _with_days(select: str, keys: Sequence[str], values: Sequence[str]) -> str:
    """SQL that returns counts per hour, and their sums per day."""
    sums = ", ".join(f"sum({name})" for name in values)
    return f"WITH hours AS MATERIALIZED ({select}) {_HOURS_AND_DAYS.format(keys=', '.join(keys), sums=sums)}"


_ADDED_VALUES = ("pictures", "bytes")
_ADDED = """
    SELECT date_trunc('hour', added_at, 'UTC') AS start, owner_id,
           count(*) FILTER (WHERE trashed_at IS NULL) AS pictures,
           coalesce(sum(size) FILTER (WHERE bucket_id IS NULL), 0) AS bytes
    FROM analysis_image GROUP BY 1, 2
"""
_ENDED_KEYS = ("owner_id", "recognizer", "api")
_ENDED_VALUES = ("answered", "reused", "failed", "dollars")
_ENDED = """
    SELECT date_trunc('hour', analysis.finished_at, 'UTC') AS start, image.owner_id, analysis.recognizer, analysis.api,
           count(*) FILTER (WHERE state = 'done' AND NOT is_reused) AS answered,
           count(*) FILTER (WHERE state = 'done' AND is_reused) AS reused,
           count(*) FILTER (WHERE state = 'failed') AS failed, coalesce(sum(price), 0) AS dollars
    FROM analysis_analysis analysis JOIN analysis_image image ON image.id = analysis.image_id
    WHERE finished_at >= %(since)s AND finished_at IS NOT NULL AND state IN ('done', 'failed')
    GROUP BY 1, 2, 3, 4
"""
_LATENCY_KEYS = ("recognizer", "api", "step")
_LATENCY = f"""
    SELECT date_trunc('hour', finished_at, 'UTC') AS start, recognizer, api, {BIN_OF % "latency_ms"} AS step,
           count(*) AS answers
    FROM analysis_analysis
    WHERE finished_at >= %(since)s AND finished_at IS NOT NULL AND state = 'done' AND NOT is_reused
      AND latency_ms IS NOT NULL
    GROUP BY 1, 2, 3, 4
"""
_CONFIDENCE = """
    SELECT owner_id, least(confidence / 500, 19) AS step, count(*) AS labels
    FROM analysis_imagelabel image_label JOIN analysis_label label ON label.id = image_label.label_id
    WHERE label.kind IN ('label', 'celebrity', 'moderation') GROUP BY 1, 2
"""

KINDS = (
    # The owner is the first column of each key, as in the indexes.
    Kind(
        "added",
        "analysis_addedstatistics",
        (OWNER, "is_hour", "start"),
        _ADDED_VALUES,
        _with_days(_ADDED, (OWNER,), _ADDED_VALUES),
    ),
    Kind(
        "ended",
        "analysis_endedstatistics",
        (OWNER, "is_hour", "start", "recognizer", "api"),
        _ENDED_VALUES,
        _with_days(_ENDED, _ENDED_KEYS, _ENDED_VALUES),
        is_append_only=True,
    ),
    Kind(
        "latency",
        "analysis_latencystatistics",
        ("is_hour", "start", *_LATENCY_KEYS),
        ("answers",),
        _with_days(_LATENCY, _LATENCY_KEYS, ("answers",)),
        is_append_only=True,
        hours=LATENCY_HOURS,
    ),
    Kind("confidence", "analysis_confidencestatistics", (OWNER, "step"), ("labels",), _CONFIDENCE),
)
