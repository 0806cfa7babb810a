"""Background jobs that resume from a cursor, in runs of limited time."""

from __future__ import annotations

import time
from collections.abc import Callable


def run_for(seconds: float, step: Callable[[], bool]) -> bool:
    """Repeat `step` until it returns False or the time is up.

    Returns True if there may be more to do. Callers choose a time well below the broker's visibility timeout, after
    which Celery delivers a running task again. Each step commits its progress, so a killed worker loses one step.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not step():
            return False
    return True
