"""Quota of calls per second: a token bucket (GCRA), or a strict count per second."""

from __future__ import annotations

from collections import defaultdict, deque


class Quota:
    def __init__(self) -> None:
        self._full_at: dict[str, float] = {}  # time when an operation's bucket is full
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)  # times of the last second's calls

    def acquire(self, operation: str, *, rate: float | None, burst: float | None, now: float) -> bool:
        """Take a call from the bucket; False, without effect, if it is empty."""
        if rate is None:
            return True
        size = max(1.0, rate) if burst is None else burst
        full_at = max(self._full_at.get(operation, now), now)
        if full_at - now > (size - 1) / rate + 1e-9:
            return False
        self._full_at[operation] = full_at + 1 / rate
        return True

    def acquire_in_second(self, operation: str, *, rate: float | None, now: float) -> bool:
        """Count a call in the last second; False if that already has `rate` calls."""
        if rate is None:
            return True
        recent = self._recent[operation]
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= max(1.0, rate):
            return False
        recent.append(now)
        return True

    def reset(self) -> None:
        self._full_at.clear()
        self._recent.clear()
