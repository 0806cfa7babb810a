"""The turns of a paid API, shared by every worker through Redis: never faster than the quota, slower when told so.

GCRA (the generic cell rate algorithm) on Redis' own clock decides in one round trip how many calls may be sent now. The
rate adapts: a throttle takes 30 % off at most once a second, time gives it back up to the configured quota. A clock
that is set back, as by a failover, starts anew and costs nobody a turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import redis

DECREASE = 0.7
RECOVERY = 0.01
"""Share of the quota by which the rate grows back each second: from the floor to the quota in about 100 seconds."""
FLOOR = 0.1
"""The slowest, in calls a second: something must be sent to find out that the quota is back."""
BURST = 0.3
"""Seconds' worth of calls that may be sent at once: longer than a worker takes from one look to the next."""
FORGET_AFTER = 3_600

_TAKE = """
local now = redis.call('TIME'); now = tonumber(now[1]) + tonumber(now[2]) / 1e6
local wanted, quota, burst, recovery = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'next', 'rate', 'at')
local next, rate, at = tonumber(state[1]) or 0, tonumber(state[2]) or quota, tonumber(state[3]) or now
rate = math.min(quota, rate + math.max(0, now - at) * quota * recovery)
local interval = 1 / rate
local allowance = math.max(burst, interval)
next = math.min(math.max(next, now - allowance), now)
local granted = math.min(wanted, math.floor((now - next) / interval + 1e-6))
next = next + granted * interval
redis.call('HSET', KEYS[1], 'rate', tostring(rate),
           'next', string.format('%.6f', next), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {granted, tostring(math.max(0, next + interval - now)), tostring(rate)}
"""

_THROTTLED = """
local now = redis.call('TIME'); now = tonumber(now[1]) + tonumber(now[2]) / 1e6
local quota, decrease, floor = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'rate', 'slowed')
local rate, slowed = tonumber(state[1]) or quota, tonumber(state[2]) or 0
if math.abs(now - slowed) < 1 then return tostring(rate) end
rate = math.max(floor, rate * decrease)
redis.call('HSET', KEYS[1], 'rate', tostring(rate),
           'slowed', string.format('%.6f', now), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return tostring(rate)
"""


@dataclass(frozen=True)
class Grant:
    """How many calls may be sent now, and in how many seconds the next may."""

    granted: int
    wait: float
    rate: float


class RateLimiterUnavailable(Exception):
    """Redis does not answer: nobody knows whose turn it is, so nothing is sent."""


class RateLimiter:
    """One API's turns: `key` names (account, region, API); `quota` is calls a second."""

    def __init__(self, connection: redis.Redis, *, key: str, quota: float) -> None:
        self._redis, self._key, self.quota = connection, f"imagelib:quota:{{{key}}}", quota

    def take(self, wanted: int) -> Grant:
        """Up to `wanted` turns, as many as there are now. Raises Away."""
        granted, wait, rate = self._run(self._take, wanted, self.quota, BURST, RECOVERY, FORGET_AFTER)
        return Grant(int(granted), float(wait), float(rate))

    def throttled(self) -> float:
        """AWS said no: slow down for everybody, at most once a second; the new rate. Raises Away."""
        return float(self._run(self._throttled, self.quota, DECREASE, FLOOR, FORGET_AFTER))

    def _run(self, script: Any, *arguments: float) -> Any:
        try:
            return script(keys=[self._key], args=arguments)
        except redis.RedisError as error:
            raise RateLimiterUnavailable(f"Redis does not answer: {error}") from error

    @cached_property
    def _take(self) -> Any:
        return self._redis.register_script(_TAKE)

    @cached_property
    def _throttled(self) -> Any:
        return self._redis.register_script(_THROTTLED)
