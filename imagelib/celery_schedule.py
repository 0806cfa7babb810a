"""What runs by itself, for Celery's beat."""

from __future__ import annotations

from typing import Any

from celery.schedules import ParseException, crontab
from django.core.exceptions import ImproperlyConfigured


def beat(*, sweep_seconds: float, analyze_schedule: str) -> dict[str, dict[str, Any]]:
    """Each task with when it runs. Raises ImproperlyConfigured for a schedule that is none.

    Each expires, so that a worker that was away does not find a day's worth of them; not sooner than in 15 minutes,
    since a worker judges by its own clock, which nobody may keep.
    """
    every = {
        "sweep": sweep_seconds,
        "heartbeat": 30.0,
        "fold_spend": 30.0,
        "count_labels": 60.0,
        "rebuild_statistics": 60.0,
        "sweep_blobs": 600.0,
    }
    schedule: dict[str, dict[str, Any]] = {
        f"{task} every {seconds} s": {
            "task": f"analysis.tasks.{task}",
            "schedule": seconds,
            "options": {"expires": max(seconds, 900.0)},
        }
        for task, seconds in every.items()
    }
    if analyze_schedule:
        when = _crontab(analyze_schedule)
        schedule["analyze_on_schedule"] = {"task": "analysis.tasks.analyze_on_schedule", "schedule": when}
    return schedule


def _crontab(text: str) -> crontab:
    try:
        return crontab.from_string(text)
    except (ValueError, ParseException) as error:
        raise ImproperlyConfigured(
            f"ANALYZE_SCHEDULE is {text!r}: {error}. Write minute hour day month weekday: 0 3 * * sun."
        ) from error
