"""Ends a run early: by a signal, a time limit or a lost lease."""

from __future__ import annotations

import threading
import time
from types import FrameType

from analysis import jobs
from analysis.bucket_sync.event_consumer import StopFlag


class Stop(StopFlag):
    """Set after `seconds`, or by SIGTERM and SIGINT inside the `with` block.

    Tasks then end after their current step; calls in progress are finished and saved.
    """

    def __init__(self, *, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._event = threading.Event()
        self.is_time_up = False

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            super().__enter__()
        else:
            self._handlers = {}  # only the main thread can handle signals
        return self

    def set(self) -> None:
        self.is_set = True
        self._event.set()
        jobs.shut_down()

    def check_time(self) -> None:
        if self._end is not None and not self.is_set and time.monotonic() >= self._end:
            self.is_time_up = True
            self.set()

    def wait(self, seconds: float) -> None:
        """Wait until it is set, at most `seconds`, or until the time limit."""
        left = seconds if self._end is None else min(seconds, self._end - time.monotonic())
        self._event.wait(max(0.0, left))
        self.check_time()

    def _set(self, *_: int | FrameType | None) -> None:
        self.set()
