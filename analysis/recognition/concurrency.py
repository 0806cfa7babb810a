"""Limits the concurrent calls of an API in this process.

By Little's law, calls in progress = calls a second x seconds per call. No more than the quota needs are started: this
bounds the memory for pictures, and the calls that may be charged for nothing if the endpoint stops responding.
"""

from __future__ import annotations

import math
import threading

# Factor on the average, since calls take different times.
HEADROOM = 1.5
MIN_CALLS = 4
# Assumed seconds of a call until one has ended.
INITIAL_SECONDS = 1.0
# Weight of the newest call in the moving averages, which span about twenty calls.
WEIGHT = 0.1
# Bytes of pictures in progress. A request holds its picture about three times, as bytes and as base64.
MAX_BYTES = 128 * 2**20


class ConcurrencyLimit:
    """At most `threads` calls.

    Without a quota (`per_second` None) only memory limits them further.
    """

    def __init__(self, threads: int, *, per_second: float | None) -> None:
        self._threads, self._per_second = threads, per_second
        self._lock = threading.Lock()
        self._seconds, self._bytes = INITIAL_SECONDS, 0.0

    def record_duration(self, seconds: float) -> None:
        """Count a call's length, including the wait for its time slot."""
        with self._lock:
            self._seconds += WEIGHT * (seconds - self._seconds)

    def record_size(self, size: int) -> None:
        """Count the bytes of a call's picture."""
        with self._lock:
            self._bytes += WEIGHT * (size - self._bytes)

    @property
    def size(self) -> int:
        """The number of calls that may be in progress."""
        by_bytes = int(MAX_BYTES / self._bytes) if self._bytes else self._threads
        by_quota = self._threads
        if self._per_second is not None:
            by_quota = max(MIN_CALLS, math.ceil(self._per_second * self._seconds * HEADROOM))
        return max(1, min(self._threads, by_quota, by_bytes))

    def free(self, in_progress: int) -> int:
        """The number of further calls that may be started."""
        return self.size - in_progress
