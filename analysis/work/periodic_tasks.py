"""Periodic tasks of a run: those of Celery beat, and ANALYZE_SCHEDULE."""

from __future__ import annotations

import time

from django.conf import settings
from django.db.models.functions import Now
from django.utils.timezone import now

from analysis import tasks
from analysis.models import WorkLease
from imagelib import celery_schedule

# They sum up what was done, so they come last, and at their intervals in a long run.
FIGURES = ("fold_spend", "refresh_label_counts", "refresh_statistics")
# They come when nothing else is due, since they would slow down what people wait for.
HOUSEKEEPING = ("sweep_blobs", "delete_expired_trash", "delete_expired_audit_entries")
# Says that scheduler, broker and worker are up, which a run without them does not show.
OMITTED = "heartbeat"


class Schedule:
    """Names of the tasks whose time has come; at first, that of the sweep only."""

    def __init__(self) -> None:
        started = time.monotonic()
        self._intervals = celery_schedule.intervals(settings.SWEEP_SECONDS)
        del self._intervals[OMITTED]
        self._next = {name: started + seconds for name, seconds in self._intervals.items()} | {"sweep": started}

    def due(self) -> list[str]:
        current = time.monotonic()
        names = [name for name, at in self._next.items() if at <= current]
        self._next |= {name: current + self._intervals[name] for name in names}
        return names


def start_scheduled_analysis() -> None:
    """Follow ANALYZE_SCHEDULE, if a time of it has passed since it was last followed.

    With a broker, Celery beat does.
    """
    if settings.CELERY_BROKER_URL or not settings.ANALYZE_SCHEDULE:
        return
    row = WorkLease.objects.filter(name=WorkLease.NAME)
    last = row.values_list("scheduled_at", flat=True).first()
    # The first time only starts the clock, as beat does: switching it on analyzes nothing at once.
    if last is None or celery_schedule.is_due(settings.ANALYZE_SCHEDULE, since=last, now=now()):
        row.update(scheduled_at=Now())
        if last is not None:
            tasks.analyze_on_schedule.delay()
