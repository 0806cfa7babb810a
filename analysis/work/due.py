"""Reads the progress of a run, and the work that becomes due soon."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Max, Min, QuerySet
from django.db.models.functions import Now

from analysis.models import Analysis, BucketObject, Delivery, ImageEmbedding, Upload
from analysis.recognition.embeddings import queue as embedding_queue

SOON = timedelta(seconds=30)
"""Maximum time that a run waits for the next attempt of failed work instead of leaving it to the next run."""


def progress_marker() -> tuple[datetime | None, int | None]:
    """A value that changes when an analysis ends or is added; two index lookups."""
    last_ended = Analysis.objects.aggregate(at=Max("finished_at"))["at"]
    return last_ended, Analysis.objects.aggregate(pk=Max("pk"))["pk"]


def finished_since(started_at: datetime) -> int:
    """The number of analyses that ended, failed ones included."""
    return Analysis.objects.filter(finished_at__gte=started_at).count()


def seconds_until_due() -> float | None:
    """Seconds until the next row becomes due, if it is soon."""
    delays = [delay for rows in _queues() if (delay := _first_delay(rows)) is not None]
    return min(delays).total_seconds() if delays else None


def _queues() -> list[QuerySet[Any]]:
    embeddings = [ImageEmbedding.objects.all()] if embedding_queue.is_enabled() else []
    return [
        Analysis.objects.filter(state=Analysis.State.QUEUED, image__trashed_at=None),
        Upload.objects.filter(state=Upload.State.ARRIVED),
        BucketObject.objects.filter(state=BucketObject.State.WAITING),
        Delivery.objects.filter(state=Delivery.State.WAITING),
        *embeddings,
    ]


def _first_delay(rows: QuerySet[Any]) -> timedelta | None:
    soon = rows.filter(next_attempt_at__gt=Now(), next_attempt_at__lte=Now() + SOON)
    until = ExpressionWrapper(F("next_attempt_at") - Now(), output_field=DurationField())
    delay: timedelta | None = soon.aggregate(delay=Min(until))["delay"]
    return delay
