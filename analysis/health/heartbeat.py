"""One row that only a scheduler, a broker and a worker together can keep young."""

from __future__ import annotations

import socket
from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from analysis.models import Heartbeat

NAME = "queue"
MAX_AGE = timedelta(seconds=90)
"""Three beats were missed: something on the way is down."""


def record() -> None:
    """The scheduler's message came through the broker to a worker that reaches the database."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=NAME, at=Now(), host=socket.gethostname()[:100])],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "host"],
    )


def age_seconds() -> timedelta | None:
    """Since when nothing was heard, by the database's clock; None if nothing ever was."""
    since = ExpressionWrapper(Now() - F("at"), output_field=DurationField())
    return Heartbeat.objects.filter(name=NAME).values_list(since, flat=True).first()
