"""Keeps figures ready: counted again as often as costs no more than one percent of the time, and repairable."""

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

MIN_INTERVAL = 60.0
"""Seconds after which a kind of figures is counted again, if counting takes no longer than a hundredth of that."""
COST_FACTOR = 100
"""So many times as long as it took, it rests."""
HOURS = timedelta(days=2)
OWNER = "owner_id"
LATE = timedelta(hours=1)
"""What ended so long before the last count may have been committed after it."""
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Kind:
    """Figures of one table: `counted` selects its rows as they are now, from `since` on where that matters."""

    name: str
    table: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    counted: str
    is_of_the_past: bool = False
    """What is over does not change any more: only what came since the last time is counted."""


@dataclass(frozen=True)
class Done:
    """What counting came to: `differing` rows were written or deleted."""

    name: str
    differing: int
    seconds: float


def refresh_due() -> list[Done]:
    """Count what is due."""
    return [done for kind in KINDS if is_due(kind) for done in _count(kind, is_whole=False)]


def rebuild() -> Iterator[Done]:
    """Count everything, from the beginning."""
    for kind in KINDS:
        yield from _count(kind, is_whole=True)


def is_due(kind: Kind) -> bool:
    run = StatisticsRun.objects.filter(name=kind.name).first()
    return run is None or now() - run.at >= timedelta(seconds=max(MIN_INTERVAL, COST_FACTOR * run.seconds))


def _count(kind: Kind, *, is_whole: bool) -> list[Done]:
    """One after another: whoever finds somebody else at it leaves it to them."""
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"figures {kind.name}"])
        if not cursor.fetchone()[0]:
            return []
        last = None if is_whole else StatisticsRun.objects.filter(name=kind.name).first()
        moment = now()
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(_statement(kind), {"since": _since(last, kind), "hours": moment - HOURS})
        (differing,) = cursor.fetchone()
        seconds = time.monotonic() - began
        StatisticsRun.objects.update_or_create(name=kind.name, defaults={"at": Now(), "seconds": seconds})
    return [Done(kind.name, differing, seconds)]


def _since(last: StatisticsRun | None, kind: Kind) -> datetime:
    """From the day on in which something may have changed."""
    if last is None or not kind.is_of_the_past:
        return EPOCH
    return (last.at - LATE).replace(hour=0, minute=0, second=0, microsecond=0)


def _statement(kind: Kind) -> str:
    """Writes the rows that differ and deletes those that are no more; answers how many both were."""
    keys, values = ", ".join(kind.keys), ", ".join(kind.values)
    old, new = (", ".join(f"{where}.{name}" for name in kind.values) for where in ("old", "excluded"))
    same = " AND ".join(f"{_known('counted', name)} = {_known('old', name)}" for name in kind.keys)
    stale = "(old.start >= %(since)s OR old.is_hour AND old.start < %(hours)s) AND" if kind.is_of_the_past else ""
    return f"""
        WITH each AS MATERIALIZED ({kind.counted}),
        counted AS MATERIALIZED (SELECT {keys}, {values} FROM each {_of_everybody(kind)}),
        written AS (
            INSERT INTO {kind.table} AS old ({keys}, {values}) SELECT {keys}, {values} FROM counted
            ON CONFLICT ({keys}) DO UPDATE SET ({values}) = ROW({new}) WHERE ({old}) IS DISTINCT FROM ({new})
            RETURNING 1),
        deleted AS (
            DELETE FROM {kind.table} old WHERE {stale} NOT EXISTS (SELECT FROM counted WHERE {same}) RETURNING 1)
        SELECT (SELECT count(*) FROM written) + (SELECT count(*) FROM deleted)
    """  # noqa: S608


def _of_everybody(kind: Kind) -> str:
    """The same of all people together, in rows without an owner."""
    if OWNER not in kind.keys:
        return ""
    others = ", ".join(name for name in kind.keys if name != OWNER)
    sums = ", ".join(f"sum({name})" for name in kind.values)
    return f"UNION ALL SELECT NULL, {others}, {sums} FROM each GROUP BY {others}"  # noqa: S608


def _known(row: str, name: str) -> str:
    """A column of a key; nobody is somebody here, so that the rows can be hashed."""
    return f"coalesce({row}.{name}, 0)" if name == OWNER else f"{row}.{name}"


_ADDED = """
    SELECT is_hour, start, owner_id, count(*) FILTER (WHERE trashed_at IS NULL) AS pictures,
           coalesce(sum(size) FILTER (WHERE bucket_id IS NULL), 0) AS bytes
    FROM (SELECT false AS is_hour, date_trunc('day', added_at, 'UTC') AS start, * FROM analysis_image
          UNION ALL
          SELECT true, date_trunc('hour', added_at, 'UTC'), * FROM analysis_image WHERE added_at >= %(hours)s) placed
    GROUP BY is_hour, start, owner_id
"""

_IN_SPANS = """
    SELECT true AS is_hour, hours.* FROM hours WHERE start >= %(hours)s
    UNION ALL
    SELECT false, date_trunc('day', start, 'UTC'), {keys}, {sums} FROM hours GROUP BY 2, {keys}
"""


def _of_hours(select: str, keys: Sequence[str], values: Sequence[str]) -> str:
    """Counts by the hour, as hours and added up to days."""
    named = ", ".join(keys)
    spans = _IN_SPANS.format(keys=named, sums=", ".join(f"sum({name})" for name in values))
    return f"WITH hours AS MATERIALIZED ({select}) {spans}"


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
"""  # noqa: S608
_CONFIDENCE = """
    SELECT owner_id, least(confidence / 500, 19) AS step, count(*) AS labels
    FROM analysis_imagelabel carried JOIN analysis_label label ON label.id = carried.label_id
    WHERE label.kind IN ('label', 'celebrity', 'moderation') GROUP BY 1, 2
"""

KINDS = (
    # An owner comes first in each key, as in the indexes and in the rows of everybody.
    Kind("added", "analysis_addedstatistics", (OWNER, "is_hour", "start"), ("pictures", "bytes"), _ADDED),
    Kind(
        "ended",
        "analysis_endedstatistics",
        (OWNER, "is_hour", "start", "recognizer", "api"),
        _ENDED_VALUES,
        _of_hours(_ENDED, _ENDED_KEYS, _ENDED_VALUES),
        is_of_the_past=True,
    ),
    Kind(
        "latency",
        "analysis_latencystatistics",
        ("is_hour", "start", *_LATENCY_KEYS),
        ("answers",),
        _of_hours(_LATENCY, _LATENCY_KEYS, ("answers",)),
        is_of_the_past=True,
    ),
    Kind("confidence", "analysis_confidencestatistics", (OWNER, "step"), ("labels",), _CONFIDENCE),
)
