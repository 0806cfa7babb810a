"""Retries of failed analyses: their number and their delay."""

from __future__ import annotations

import random
from datetime import timedelta

MAX_ATTEMPTS = 8
MAX_BACKOFF = 120.0
"""Seconds; the backoff doubles with each attempt up to this."""
MAX_RETRY_AFTER = 600.0
"""Seconds of a Retry-After that are respected; after that, another attempt is made."""
MAX_RETRY_DELAY = timedelta(minutes=30)
"""No failed attempt delays the next one for longer."""


def delay_after_failure(attempts: int, *, min_delay: float) -> timedelta:
    """Exponential backoff with full jitter, at least `min_delay` seconds.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    jitter = random.uniform(0, min(2.0**attempts, MAX_BACKOFF))
    return timedelta(seconds=min(min_delay, MAX_RETRY_AFTER) + jitter)


def delay_after_throttling(retry_after: float | None) -> timedelta:
    """A short time: the rate was too high, and the limiter lowers it."""
    return timedelta(seconds=min(retry_after or 0.5, MAX_RETRY_AFTER) + random.uniform(0, 2))
