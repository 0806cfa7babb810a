"""Detects stalled work: analyses are due, but none succeeds.

Computed on request, only from the database, since Redis, the scheduler or the worker may be down.
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
from django.utils.translation import gettext as _

from analysis.formatting import duration
from analysis.health import background_work, heartbeat
from analysis.models import Analysis
from analysis.recognition import ledger, registry
from analysis.recognition.prices import price_list

logger = logging.getLogger(__name__)

# Runnable rows read from the head of each queue, where those that have waited longest are.
SCAN_LIMIT = 200
# Scalar subqueries per row, so that PostgreSQL reads the queue in index order and stops after SCAN_LIMIT rows.
RUNNABLE = """
    (SELECT trashed_at FROM analysis_image WHERE id = image_id) IS NULL
    AND coalesce((SELECT state FROM analysis_batch WHERE id = batch_id), 'running') = 'running'
"""
_STALLED = f"""
    WITH inactive AS MATERIALIZED (
        SELECT recognizer, api
        FROM unnest(%(recognizers)s::text[]) recognizer, unnest(%(apis)s::text[]) api
        WHERE NOT EXISTS (
            SELECT FROM analysis_modelversion seen
            WHERE (seen.recognizer, seen.api) = (recognizer.recognizer, api.api)
              AND seen.last_seen_at > now() - %(patience)s)
          AND NOT EXISTS (
            SELECT FROM analysis_outage outage
            WHERE (outage.recognizer, outage.api) = (recognizer.recognizer, api.api)))
    SELECT inactive.recognizer, inactive.api, kind.is_bulk, oldest.head, now() - oldest.since
    FROM inactive CROSS JOIN unnest(ARRAY[false, true]) kind (is_bulk)
    CROSS JOIN LATERAL (
        SELECT min(waits.id) AS head,
               min(greatest(waits.requested_at, batch.changed_at, %(not_before)s)) AS since
        FROM ((SELECT id, batch_id, requested_at
               FROM analysis_analysis
               WHERE state = 'queued' AND recognizer = inactive.recognizer AND api = inactive.api
                 AND is_bulk = kind.is_bulk AND next_attempt_at <= now() AND {RUNNABLE}
               ORDER BY id LIMIT %(scan_limit)s)
              UNION ALL
              (SELECT id, batch_id, requested_at
               FROM analysis_analysis
               WHERE state = 'running' AND claimed_until <= now() AND recognizer = inactive.recognizer
                 AND api = inactive.api AND is_bulk = kind.is_bulk AND {RUNNABLE}
               ORDER BY claimed_until LIMIT %(scan_limit)s)) waits
        LEFT JOIN analysis_batch batch ON batch.id = waits.batch_id) oldest
    WHERE oldest.since < now() - %(patience)s
    ORDER BY inactive.recognizer, inactive.api, kind.is_bulk
"""
# Seconds between two log lines.
LOG_INTERVAL = 300.0


@dataclass(frozen=True)
class Stall:
    """An API with due work and no result for WATCHDOG_MINUTES.

    `head`: its oldest analysis. `waited`: time since then.
    """

    recognizer: str
    api: str
    is_bulk: bool
    head: int
    waited: timedelta


def stalls(*, month: datetime | None = None) -> list[Stall]:
    """Stalled APIs without an outage, a spent budget or a paused batch.

    Work that waited for last month's budget is counted from the start of this `month`.
    """
    not_before = (month or _first_of_month()) if ledger.has_limits() else None
    stalled = [
        stall for stall in _stalled_apis(not_before) if not _has_recent_results(stall.head) and _is_affordable(stall)
    ]
    return list({(stall.recognizer, stall.api): stall for stall in stalled}.values())


def sentence() -> str:
    """A message to staff about stalled APIs, with the next step.

    Empty if there are none.
    """
    stalled = stalls()
    if background_work.is_in_use():  # runs start at intervals, between which work may wait
        stalled = [stall for stall in stalled if background_work.is_overdue(stall.waited)]
    if not stalled:
        return ""
    names = ", ".join(dict.fromkeys(str(Analysis.Api(stall.api).label) for stall in stalled))
    waited = duration(max(stall.waited for stall in stalled))
    values = {"apis": names, "duration": waited, "hint": _hint()}
    return _("%(apis)s: work is waiting, but there have been no results for %(duration)s. %(hint)s") % values


def log_stalls() -> None:
    """Log stalled APIs as an error, at most once per LOG_INTERVAL.

    Called by the sweeper.
    """
    global _logged_at
    if time.monotonic() - _logged_at < LOG_INTERVAL:
        return
    if message := sentence():
        _logged_at = time.monotonic()
        logger.error("%s", message)


def reset() -> None:
    """Log the next stall at once."""
    global _logged_at
    _logged_at = -LOG_INTERVAL


_logged_at = -LOG_INTERVAL


def _hint() -> str:
    if background_work.is_in_use():
        return background_work.hint()
    age = heartbeat.age()
    if age is None:
        return _(
            "There has been no heartbeat yet. Check that worker and scheduler are running, then run manage.py doctor."
        )
    if age > heartbeat.MAX_AGE:
        return _(
            "The last heartbeat was %(age)s ago. Check that worker and scheduler are running, then run "
            "manage.py doctor."
        ) % {"age": duration(age)}
    return _("Scheduler and worker are running. Run manage.py doctor and check the worker log.")


def _stalled_apis(not_before: datetime | None) -> list[Stall]:
    """APIs with due work and no new response, by one statement with few index lookups.

    Each response updates its ModelVersion, so last_seen_at is the time of the API's last success.
    """
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "recognizers": list(registry.NAMES),
            "apis": Analysis.Api.values,
            "scan_limit": SCAN_LIMIT,
            "patience": _patience(),
            "not_before": not_before,
        }
        cursor.execute(
            _STALLED,
            values,
        )
        return [Stall(*row) for row in cursor.fetchall()]


def _has_recent_results(head: int) -> bool:
    """True if analyses near `head` finished recently, for example from the cache."""
    neighbors = Analysis.objects.filter(pk__range=(head - SCAN_LIMIT, head + SCAN_LIMIT), state=Analysis.State.DONE)
    return neighbors.filter(finished_at__gt=Now() - _patience()).exists()


def _first_of_month() -> datetime:
    return now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _is_affordable(stall: Stall) -> bool:
    region = registry.get(stall.recognizer).region
    if region is None or not ledger.has_limits():
        return True
    price = price_list(region).price(stall.api, registry.parameters(stall.api))
    affordable = ledger.budget(stall.recognizer).affordable(price, is_bulk=stall.is_bulk)
    return affordable is None or affordable > 0


def _patience() -> timedelta:
    return timedelta(minutes=settings.WATCHDOG_MINUTES)
