"""How many calls of an API may be under way in this process: as many as its quota and their length need, and no more.

Calls a second times the seconds of each is how many there are at a time (Little's law). What an endpoint that falls
silent can swallow, and what the pictures take in memory, is bounded with it.
"""

from __future__ import annotations

import math
import threading

SPARE = 1.5
"""Times what is needed on average: calls differ in length."""
AT_LEAST = 4
AT_FIRST = 1.0
"""Seconds that a call is taken to last before one has."""
WEIGHT = 0.1
"""Of the last call in the average: about twenty count."""
MOST_BYTES = 128 * 2**20
"""Of pictures under way; a request holds its picture some three times, as bytes and as base64."""


class Room:
    """`threads` at most. Without `per_second`, where nothing limits the pace, always that many."""

    def __init__(self, threads: int, *, per_second: float | None) -> None:
        self._threads, self._per_second = threads, per_second
        self._lock = threading.Lock()
        self._held, self._size = AT_FIRST, 0.0

    def note_held(self, seconds: float) -> None:
        """A call was under way so long, with the wait for its turn."""
        with self._lock:
            self._held += WEIGHT * (seconds - self._held)

    def note_size(self, size: int) -> None:
        """A call carries so many bytes."""
        with self._lock:
            self._size += WEIGHT * (size - self._size)

    @property
    def size(self) -> int:
        """How many calls may be under way."""
        by_bytes = int(MOST_BYTES / self._size) if self._size else self._threads
        by_pace = self._threads
        if self._per_second is not None:
            by_pace = max(AT_LEAST, math.ceil(self._per_second * self._held * SPARE))
        return max(1, min(self._threads, by_pace, by_bytes))

    def free(self, in_progress: int) -> int:
        return self.size - in_progress
