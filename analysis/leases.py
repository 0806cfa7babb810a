"""Claims on rows that workers process, with retries after failures.

A row has `attempts` and `next_attempt_at`. A claim moves `next_attempt_at` ahead, so a row whose worker died becomes
due again. All times are from the database's clock, since the clocks of workers differ.
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
# Longer than any lease, delay or pause of these rows.
CLOCK_CHANGE = timedelta(hours=1)

Row = TypeVar("Row", bound=models.Model)


def has_passed(column: str, *, longest: timedelta = CLOCK_CHANGE) -> Q:
    """Condition for rows whose time in `column` has passed.

    A time further ahead than `longest` counts as passed.
    """
    # Such a time was written before the clock was set back, and waiting for it could take forever.
    return Q(**{f"{column}__lte": Now()}) | Q(**{f"{column}__gt": Now() + longest})


def due(rows: QuerySet[Row], *, longest: timedelta = CLOCK_CHANGE) -> QuerySet[Row]:
    """Rows that may be claimed. `longest`: above the longest lease of these rows."""
    return rows.filter(has_passed("next_attempt_at", longest=longest))


def claim(rows: QuerySet[Row], *, lease: timedelta, longest: timedelta = CLOCK_CHANGE) -> Row | None:
    """Claim the row that has been due longest; None if other workers hold all of them."""
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

    Doubled each time, with jitter.
    """
    # Jitter, so that failed rows do not become due together. The exponent is bounded, since after fifty attempts the
    # seconds would exceed a timedelta.
    return min(timedelta(seconds=2.0 ** min(attempts, 20) * random.uniform(1, 2)), MAX_DELAY)
