"""The periodic tasks of Celery beat."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from celery.schedules import ParseException, crontab
from django.core.exceptions import ImproperlyConfigured


def intervals(sweep_seconds: float) -> dict[str, float]:
    """Seconds between runs of each periodic task."""
    return {
        "sweep": sweep_seconds,
        "heartbeat": 30.0,
        "fold_spend": 30.0,
        "refresh_label_counts": 60.0,
        "refresh_statistics": 60.0,
        "delete_expired": 600.0,
        "delete_expired_trash": 3_600.0,
        "delete_expired_audit_entries": 3_600.0,
    }


def beat(*, sweep_seconds: float, analyze_schedule: str) -> dict[str, dict[str, Any]]:
    """Return CELERY_BEAT_SCHEDULE. Raises ImproperlyConfigured for an invalid crontab."""
    schedule: dict[str, dict[str, Any]] = {
        f"{task} every {seconds} s": {
            "task": f"analysis.tasks.{task}",
            "schedule": seconds,
            # So that a worker that was down does not find a day's worth of messages. At least 15 minutes, since the
            # worker compares the time with its own clock, which may be off.
            "options": {"expires": max(seconds, 900.0)},
        }
        for task, seconds in intervals(sweep_seconds).items()
    }
    if analyze_schedule:
        schedule["analyze_on_schedule"] = {
            "task": "analysis.tasks.analyze_on_schedule",
            "schedule": _crontab(analyze_schedule),
        }
    return schedule


def is_due(analyze_schedule: str, *, since: datetime, now: datetime) -> bool:
    """True if the crontab had a run between the two times."""
    schedule: Any = _crontab(analyze_schedule)
    schedule.nowfun = lambda: now
    return bool(schedule.is_due(since).is_due)


def _crontab(text: str) -> crontab:
    try:
        return crontab.from_string(text)
    except (ValueError, ParseException) as error:
        raise ImproperlyConfigured(
            f"ANALYZE_SCHEDULE is {text!r}: {error}. Use minute hour day month weekday, for example: 0 3 * * sun"
        ) from error
