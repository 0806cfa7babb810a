"""Periodic tasks of a run: those of Celery beat, and ANALYZE_SCHEDULE."""

from __future__ import annotations

import time

from django.conf import settings
from django.db.models.functions import Now
from django.utils.timezone import now

from analysis import tasks
from analysis.models import WorkLease
from imagelib import celery_schedule

# These summarize work, so they run at the end, and at their intervals in a long run.
FIGURES = ("fold_spend", "refresh_label_counts", "refresh_statistics")
# These run when nothing else is due, since they would slow down work that users wait for.
HOUSEKEEPING = ("delete_expired", "delete_expired_trash", "delete_expired_audit_entries")
# Left out, since it shows that scheduler, broker and worker are running, which do not exist here.
OMITTED = "heartbeat"


class Schedule:
    """Finds the periodic tasks that are due; at first, only the sweep."""

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
    """Start the analysis of ANALYZE_SCHEDULE if it is due.

    With a broker, Celery beat does this.
    """
    if settings.CELERY_BROKER_URL or not settings.ANALYZE_SCHEDULE:
        return
    row = WorkLease.objects.filter(name=WorkLease.NAME)
    last = row.values_list("scheduled_at", flat=True).first()
    # The first time only starts the clock, as in Celery beat: a new schedule starts nothing at once.
    if last is None or celery_schedule.is_due(settings.ANALYZE_SCHEDULE, since=last, now=now()):
        row.update(scheduled_at=Now())
        if last is not None:
            tasks.analyze_on_schedule.delay()
