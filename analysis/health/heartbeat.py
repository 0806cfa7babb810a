"""A row that is updated only while scheduler, broker and a worker all work."""

from __future__ import annotations

import socket
from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from analysis.models import Heartbeat

NAME = "queue"
# Three missed heartbeats: scheduler, broker or worker is down.
MAX_AGE = timedelta(seconds=90)


def record() -> None:
    """Update the row; runs in a worker, as a task of the scheduler.

    A Celery worker can hang after a reconnect to Redis (celery/celery#8030), which Celery's ping does not detect.
    """
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=NAME, at=Now(), host=socket.gethostname()[:100])],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "host"],
    )


def age() -> timedelta | None:
    """Time since the last heartbeat by the database's clock; None if there was none."""
    elapsed = ExpressionWrapper(Now() - F("at"), output_field=DurationField())
    return Heartbeat.objects.filter(name=NAME).values_list(elapsed, flat=True).first()
