"""Claims on rows that workers process, with retries after failures.

A row has `attempts` and `next_attempt_at`. A claim moves the latter ahead, so that a row whose worker died becomes due
again. Times are the database's, since the clocks of workers differ.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TypeVar

from django.db import models, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

MAX_ATTEMPTS = 5
MAX_DELAY = timedelta(minutes=10)
# Longer than any lease, delay or pause.
CLOCK_CHANGE = timedelta(hours=1)

Row = TypeVar("Row", bound=models.Model)


def has_passed(column: str, *, longest: timedelta = CLOCK_CHANGE) -> Q:
    """Rows whose time has come.

    A time further ahead than `longest` was written before the clock was set back: waiting for it would be pointless.
    """
    return Q(**{f"{column}__lte": Now()}) | Q(**{f"{column}__gt": Now() + longest})


def due(rows: QuerySet[Row], *, longest: timedelta = CLOCK_CHANGE) -> QuerySet[Row]:
    """Rows that may be claimed. `longest`: above the longest lease of these rows."""
    return rows.filter(has_passed("next_attempt_at", longest=longest))


def claim(rows: QuerySet[Row], *, lease: timedelta, longest: timedelta = CLOCK_CHANGE) -> Row | None:
    """Claim the row that has been due longest, unless other workers have them all."""
    with transaction.atomic():
        locked = due(rows, longest=longest).select_for_update(of=("self",), skip_locked=True)
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
    # Bounded before it is computed: after fifty attempts, the seconds would be more than a timedelta can hold.
    return min(timedelta(seconds=2.0 ** min(attempts, 20) * random.uniform(1, 2)), MAX_DELAY)
