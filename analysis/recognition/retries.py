"""Number and delays of the retries of failed analyses."""

from __future__ import annotations

import random
from datetime import timedelta

MAX_ATTEMPTS = 8
MAX_BACKOFF = 120.0
"""Seconds; the backoff doubles with each attempt up to this."""
MAX_RETRY_AFTER = 600.0
"""Seconds; a longer Retry-After is cut to this."""
MAX_RETRY_DELAY = timedelta(minutes=30)
"""Longest delay after a failed attempt."""


def delay_after_failure(attempts: int, *, min_delay: float) -> timedelta:
    """Exponential backoff with full jitter, at least `min_delay` seconds.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    jitter = random.uniform(0, min(2.0**attempts, MAX_BACKOFF))
    return timedelta(seconds=min(min_delay, MAX_RETRY_AFTER) + jitter)


def delay_after_throttling(retry_after: float | None) -> timedelta:
    """A short delay, since the rate was too high and the rate limiter lowers it."""
    return timedelta(seconds=min(retry_after or 0.5, MAX_RETRY_AFTER) + random.uniform(0, 2))
