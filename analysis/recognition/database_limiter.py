"""The rate limit of a billed API, shared by all processes through PostgreSQL.

For installations without Redis. It grants the same send times as the limiter on Redis, which a test compares. Each
request locks the row of its state, so processes take turns. Reasons: docs/decisions/0044-work-without-redis.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from django.db import Error, connection, transaction

from analysis.models import RateLimitState
from analysis.recognition.rate_limiter import (
    BURST_RECOVERY,
    EXPIRY,
    GROWTH,
    RateLimiter,
    RateLimiterUnavailable,
)


class DatabaseRateLimiter(RateLimiter):
    """The limit of one API; `clock` replaces the clock of PostgreSQL."""

    def __init__(self, *, key: str, quota: float, share: float = 1.0, clock: Callable[[], float] | None = None) -> None:
        self._key, self.quota, self._share, self._clock = key, quota, share, clock

    def wait_for_room(self) -> None:
        try:
            super().wait_for_room()
        finally:
            # Each call in progress has a thread of its own, and there may be more threads than connections.
            if not connection.in_atomic_block:
                connection.close()

    def _run(self, script: Any, *arguments: float | str) -> Any:
        try:
            with transaction.atomic():
                state = _locked_state(self._key)
                now = _clock() if self._clock is None else self._clock()
                if now - state.values.get("used_at", now) > EXPIRY:
                    state.values = {}
                result = script(_Turn(state.values, now=now, quota=self.quota * self._share), *arguments)
                state.values["used_at"] = now
                state.save(update_fields=["values"])
        except Error as error:
            raise RateLimiterUnavailable(f"The database is not available: {error}") from error
        return result

    @property
    def _acquire(self) -> Any:
        return _Turn.acquire

    @property
    def _send(self) -> Any:
        return _Turn.send

    @property
    def _throttled(self) -> Any:
        return _Turn.throttled


class _Turn:
    """One request, with the row locked: the Lua scripts of `rate_limiter` in Python."""

    def __init__(self, values: dict[str, Any], *, now: float, quota: float) -> None:
        self.values, self.now, self.quota = values, now, quota
        self.cut, self.ceiling = values.get("cut", quota), values.get("ceiling", quota)
        self.since = now - values.get("cut_at", 0.0)
        self.rate = self._rate()
        self.has_burst = abs(now - values.get("burst_at", 0.0)) > BURST_RECOVERY

    def _rate(self) -> float:
        if self.since < 0:
            return self.quota
        back = ((self.ceiling - self.cut) / (self.quota * GROWTH)) ** (1 / 3)
        grown = self.ceiling + self.quota * GROWTH * (self.since - back) ** 3
        return float(min(self.quota, max(self.cut, grown)))

    def acquire(self, requested: int, ahead: float, burst: float, max_ahead: float) -> tuple[Any, ...]:
        interval, now = 1 / self.rate, self.now
        horizon, earliest = now + max(ahead, interval), now - (burst if self.has_burst else 0)
        next_at = self.values.get("next", now)
        if next_at < earliest:
            next_at = now
        if next_at > now + 2 * max(max_ahead, interval):
            next_at = horizon
        granted = max(0, min(requested, math.floor((horizon - next_at) / interval + 1e-3)))
        first = next_at - now
        next_at += granted * interval
        self.values["next"] = next_at
        return granted, max(0.0, next_at + interval - horizon), self.rate, first, not self.has_burst

    def throttled(  # noqa: PLR0917 - the arguments of the script, in its order
        self, within: float, repeated_factor: float, factor: float, min_rate: float, count: int, share: float
    ) -> float:
        now, values = self.now, self.values
        recent = abs(now - values.get("throttled_at", 0.0))
        throttled = count + (values.get("throttled", 0) if recent < within else 0)
        values["throttled"] = throttled
        if recent < 1:
            return self.rate
        values |= {"throttled": 0, "throttled_at": now, "burst_at": now}
        if self.has_burst:
            return self.rate
        is_far_lower = 0 <= self.since < within and throttled > self.rate * share
        cut = max(min_rate, self.rate * (repeated_factor if is_far_lower else factor))
        values |= {"cut": cut, "ceiling": max(self.rate, cut), "cut_at": now}
        return cut

    def send(self, call: str, window: float, share: float) -> float:
        now, per_window = self.now, math.ceil(self.rate / share - 1e-6)
        sent: dict[str, float] = self.values.get("sent", {})
        latest = now if sent.pop(call, None) is not None else math.inf
        sent = {name: at for name, at in sent.items() if now - 2 * window < at < now + 2 * window}
        before = sorted((at for at in sent.values() if at <= latest), reverse=True)
        at = before[per_window - 1] + window if len(before) >= per_window else now
        if at < now + 1e-4:
            at = now
        self.values["sent"] = {**sent, call: at}
        return at - now


def _locked_state(key: str) -> RateLimitState:
    rows = RateLimitState.objects.select_for_update().filter(key=key)
    if state := rows.first():
        return state
    # Another worker may create the same row at the same time.
    RateLimitState.objects.bulk_create([RateLimitState(key=key)], ignore_conflicts=True)
    return rows.get()


def _clock() -> float:
    """PostgreSQL's clock."""
    with connection.cursor() as cursor:
        # Not now(), which is the start of the transaction, before others released the row.
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(cursor.fetchone()[0])
