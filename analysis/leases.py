"""Claims on rows that workers process, with retries after failures.

A row has `attempts` and `next_attempt_at`. A claim moves the latter ahead, so that a row whose worker died becomes due
again. Times are the database's, since the clocks of workers differ.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TypeVar

from django.db import models, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

MAX_ATTEMPTS = 5
MAX_DELAY = timedelta(minutes=10)

Row = TypeVar("Row", bound=models.Model)


def due(rows: QuerySet[Row]) -> QuerySet[Row]:
    return rows.filter(next_attempt_at__lte=Now())


def claim(rows: QuerySet[Row], *, lease: timedelta) -> Row | None:
    """Claim the row that has been due longest, unless other workers have them all."""
    with transaction.atomic():
        locked = due(rows).select_for_update(of=("self",), skip_locked=True)
        row = locked.order_by("next_attempt_at").first()
        if row is None:
            return None
        own = type(row)._default_manager.filter(pk=row.pk)
        own.update(attempts=F("attempts") + 1, next_attempt_at=Now() + lease)
    row.attempts += 1  # type: ignore[attr-defined]
    return row


def backoff(attempts: int) -> timedelta:
    """Time until the next attempt.

    Doubled each time, with jitter so that failed rows do not come back together.
    """
    return min(timedelta(seconds=2.0**attempts * random.uniform(1, 2)), MAX_DELAY)
