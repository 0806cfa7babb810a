"""Work that is due and waits, while nothing succeeds: what a queue that silently lost its messages looks like.

Computed when somebody looks and from the database alone, since what would tell may be what is down.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils.timezone import now

from analysis.formatting import duration
from analysis.health import heartbeat
from analysis.models import Analysis
from analysis.recognition import ledger, registry
from analysis.recognition.prices import price_list

logger = logging.getLogger(__name__)

SCAN_LIMIT = 200
"""Rows at the head of each queue that are looked at, of those that could go: the ones that waited longest."""
RUNNABLE = """
    (SELECT trashed_at FROM analysis_image WHERE id = image_id) IS NULL
    AND coalesce((SELECT state FROM analysis_batch WHERE id = batch_id), 'running') = 'running'
"""
"""Asked of each row by itself, so that the queue is read in its order and no further than need be."""
REPEATED = 300.0
"""Seconds between two lines in the log about the same silence."""


@dataclass(frozen=True)
class Stall:
    """An API that has answered nothing for too long though it has work; how long that has waited."""

    recognizer: str
    api: str
    is_bulk: bool
    head: int
    waited: timedelta


def stalls(*, month: datetime | None = None) -> list[Stall]:
    """Where nothing succeeds though it could: no outage is noted, no budget is spent, no batch is held back.

    What last month's budget held back is due from the beginning of this `month`.
    """
    not_before = (month or _first_of_month()) if ledger.has_limits() else None
    found = [
        stall for stall in _stalled_apis(not_before) if not _has_answers_beside(stall.head) and _is_affordable(stall)
    ]
    return list({(stall.recognizer, stall.api): stall for stall in found}.values())


def sentence() -> str:
    """What staff should know, with the next step; empty when all is well."""
    found = stalls()
    if not found:
        return ""
    *names, last = dict.fromkeys(str(Analysis.Api(stall.api).label) for stall in found)
    apis = f"{', '.join(names)} and {last}" if names else last
    waited = max(stall.waited for stall in found)
    return f"{apis}: nothing was answered for {duration(waited)}, though work waits. {_hint()}"


def log_stalls() -> None:
    """For the sweeper: an error line, not more often than each few minutes."""
    global _logged_at  # noqa: PLW0603
    if time.monotonic() - _logged_at < REPEATED:
        return
    if told := sentence():
        _logged_at = time.monotonic()
        logger.error("%s", told)


def reset() -> None:
    """The next silence is told at once."""
    global _logged_at  # noqa: PLW0603
    _logged_at = -REPEATED


_logged_at = -REPEATED


def _hint() -> str:
    age = heartbeat.age_seconds()
    if age is None or age > heartbeat.MAX_AGE:
        heard = "never came" if age is None else f"came {duration(age)} ago"
        return f"The last sign of life {heard}: is a worker running, and the scheduler? Run manage.py doctor."
    return "Scheduler and worker are alive: run manage.py doctor, and read the worker's log."


def _stalled_apis(not_before: datetime | None) -> list[Stall]:
    """In one statement of some probes of indexes; a model's version is touched by each answer that was asked for."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "recognizers": list(registry.NAMES),
            "apis": Analysis.Api.values,
            "most": SCAN_LIMIT,
            "patience": _patience(),
            "not_before": not_before,
        }
        cursor.execute(
            f"""
            WITH silent AS MATERIALIZED (
                SELECT recognizer, api
                FROM unnest(%(recognizers)s::text[]) recognizer, unnest(%(apis)s::text[]) api
                WHERE NOT EXISTS (
                    SELECT FROM analysis_modelversion seen
                    WHERE (seen.recognizer, seen.api) = (recognizer.recognizer, api.api)
                      AND seen.last_seen_at > now() - %(patience)s)
                  AND NOT EXISTS (
                    SELECT FROM analysis_outage outage
                    WHERE (outage.recognizer, outage.api) = (recognizer.recognizer, api.api)))
            SELECT silent.recognizer, silent.api, kind.is_bulk, oldest.head, now() - oldest.since
            FROM silent CROSS JOIN unnest(ARRAY[false, true]) kind (is_bulk)
            CROSS JOIN LATERAL (
                SELECT min(waits.id) AS head,
                       min(greatest(waits.requested_at, batch.changed_at, %(not_before)s)) AS since
                FROM ((SELECT id, batch_id, requested_at
                       FROM analysis_analysis
                       WHERE state = 'queued' AND recognizer = silent.recognizer AND api = silent.api
                         AND is_bulk = kind.is_bulk AND next_attempt_at <= now() AND {RUNNABLE}
                       ORDER BY id LIMIT %(most)s)
                      UNION ALL
                      (SELECT id, batch_id, requested_at
                       FROM analysis_analysis
                       WHERE state = 'running' AND claimed_until <= now() AND recognizer = silent.recognizer
                         AND api = silent.api AND is_bulk = kind.is_bulk AND {RUNNABLE}
                       ORDER BY claimed_until LIMIT %(most)s)) waits
                LEFT JOIN analysis_batch batch ON batch.id = waits.batch_id) oldest
            WHERE oldest.since < now() - %(patience)s
            ORDER BY silent.recognizer, silent.api, kind.is_bulk
            """,  # noqa: S608
            values,
        )
        return [Stall(*row) for row in cursor.fetchall()]


def _has_answers_beside(head: int) -> bool:
    """Whether the queue's neighbors were answered lately: from the store, which touches no model's version."""
    beside = Analysis.objects.filter(pk__range=(head - SCAN_LIMIT, head + SCAN_LIMIT), state=Analysis.State.DONE)
    return beside.filter(finished_at__gt=Now() - _patience()).exists()


def _first_of_month() -> datetime:
    return now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _is_affordable(stall: Stall) -> bool:
    region = registry.named(stall.recognizer).region
    if region is None or not ledger.has_limits():
        return True
    price = price_list(region).price(stall.api, registry.parameters(stall.api))
    affordable = ledger.budget(stall.recognizer).affordable(price, is_bulk=stall.is_bulk)
    return affordable is None or affordable > 0


def _patience() -> timedelta:
    return timedelta(minutes=settings.WATCHDOG_MINUTES)
