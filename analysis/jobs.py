"""Background jobs that resume from a cursor, in runs of limited time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_is_shutting_down = threading.Event()


def run_for(seconds: float, step: Callable[[], bool]) -> bool:
    """Repeat `step` until it returns False or the time is up.

    Returns True if there may be more to do. Callers choose a time well below the broker's visibility timeout, after
    which Celery delivers a running task again. Each step commits its progress, so a killed worker loses one step.
    """
    end = time.monotonic() + seconds
    while not is_over(end):
        if not step():
            return False
    return True


def is_over(end: float) -> bool:
    """True from `end` (monotonic clock) on, and as soon as the process shuts down."""
    return is_shutting_down() or time.monotonic() >= end


def shut_down() -> None:
    """Make the jobs of this process end after their current step."""
    _is_shutting_down.set()


def resume() -> None:
    """Let jobs run again, in a process that outlives its shutdown."""
    _is_shutting_down.clear()


def is_shutting_down() -> bool:
    return _is_shutting_down.is_set()
