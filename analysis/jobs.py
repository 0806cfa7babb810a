"""Background jobs that resume from a cursor, in runs of limited time."""

from __future__ import annotations

import time
from collections.abc import Callable


def run_for(seconds: float, step: Callable[[], bool]) -> bool:
    """Repeat `step` until it returns False or the time is up. True if there may be more to do.

    Runs stay well below the broker's visibility timeout, after which Redis would deliver a running task again. Each
    step commits its own progress, so a killed worker loses one step at most.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not step():
            return False
    return True
