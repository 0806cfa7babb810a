"""A quota of calls per second and operation: a bucket that fills evenly (GCRA), or strictly so many in any second."""

from __future__ import annotations

from collections import defaultdict, deque


class Quota:
    def __init__(self) -> None:
        self._full_at: dict[str, float] = {}  # when an operation's bucket is full again, by the caller's clock
        self._lately: defaultdict[str, deque[float]] = defaultdict(deque)  # when an operation's calls of a second came

    def grants(self, operation: str, *, rate: float | None, burst: float | None, now: float) -> bool:
        """Whether one more call fits; a call that does not fit takes nothing from the bucket."""
        if rate is None:
            return True
        at_once = max(1.0, rate) if burst is None else burst
        full_at = max(self._full_at.get(operation, now), now)
        if full_at - now > (at_once - 1) / rate + 1e-9:
            return False
        self._full_at[operation] = full_at + 1 / rate
        return True

    def grants_in_window(self, operation: str, *, rate: float | None, now: float) -> bool:
        """Whether the second that ends now holds fewer than `rate` calls; a refused one does not count."""
        if rate is None:
            return True
        lately = self._lately[operation]
        while lately and lately[0] <= now - 1:
            lately.popleft()
        if len(lately) >= max(1.0, rate):
            return False
        lately.append(now)
        return True

    def reset(self) -> None:
        self._full_at.clear()
        self._lately.clear()
