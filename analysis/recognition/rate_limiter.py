"""The turns of a paid API, shared by every worker through Redis: never faster than the quota, slower when told so.

GCRA (the generic cell rate algorithm) on Redis' own clock decides in one round trip which calls may be sent. Turns are
given a little ahead and lie evenly apart, whichever worker takes them, so that no second holds more than the quota
allows. Turns that nobody took in time may be made up for in a burst; a throttle first takes the burst, then a part of
the rate. The rate comes back along a cubic curve (as in TCP CUBIC): fast at first, slowly near the rate that was too
high, and fast again beyond it. A clock that is set back, as by a failover, starts anew and costs nobody a turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import redis

SHARE = 0.97
"""Of the quota: calls that lie evenly apart when sent arrive a few hundredths of a second earlier or later."""
DECREASE = 0.95
REPEATED_DECREASE = 0.7
"""For a throttle within `REPEATED` seconds of the last decrease: the quota is far lower than the rate."""
REPEATED = 2
GROWTH = 0.0004
"""Share of the quota by which the rate grows in the first second past the old one; after t seconds t³ times that."""
FLOOR = 0.1
"""The slowest, in calls a second: something must be sent to find out that the quota is back."""
AHEAD, FURTHEST_AHEAD = 0.3, 2.0
"""Seconds for which turns are given ahead: longer than a worker takes from one look to the next."""
BURST = 0.2
"""Seconds of turns that may be made up for at once after a worker was late."""
BURST_BACK = 600
"""Seconds after which a burst that a throttle took is allowed again."""
FORGET_AFTER = 3_600

_RATE = """
local now = redis.call('TIME'); now = tonumber(now[1]) + tonumber(now[2]) / 1e6
local quota, growth = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'next', 'cut', 'ceiling', 'cut_at', 'burst_at', 'told_at')
local cut, ceiling, cut_at = tonumber(state[2]) or quota, tonumber(state[3]) or quota, tonumber(state[4]) or 0
local since, rate = now - cut_at, quota
if since >= 0 then
    local back = ((ceiling - cut) / (quota * growth)) ^ (1 / 3)
    rate = math.min(quota, math.max(cut, ceiling + quota * growth * (since - back) ^ 3))
end
local has_burst = math.abs(now - (tonumber(state[5]) or 0)) > tonumber(ARGV[3])
"""

_TAKE = (
    _RATE
    + """
local wanted, ahead, burst, furthest = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local interval = 1 / rate
local horizon = now + math.max(ahead, interval)
local next = tonumber(state[1]) or now
if next < now - (has_burst and burst or 0) then next = now end
if next > now + 2 * math.max(furthest, interval) then next = horizon end
local granted = math.max(0, math.min(wanted, math.floor((horizon - next) / interval + 1e-3)))
local first = next - now
next = next + granted * interval
redis.call('HSET', KEYS[1], 'next', string.format('%.6f', next))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {granted, tostring(math.max(0, next + interval - horizon)), tostring(rate), tostring(first)}
"""
)

_THROTTLED = (
    _RATE
    + """
if math.abs(now - (tonumber(state[6]) or 0)) < 1 then return tostring(rate) end
redis.call('HSET', KEYS[1], 'told_at', string.format('%.6f', now))
redis.call('HSET', KEYS[1], 'burst_at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[4])
if has_burst then return tostring(rate) end
local factor = since >= 0 and since < tonumber(ARGV[5]) and tonumber(ARGV[6]) or tonumber(ARGV[7])
cut = math.max(tonumber(ARGV[8]), rate * factor)
redis.call('HSET', KEYS[1], 'cut', tostring(cut), 'ceiling', tostring(math.max(rate, cut)),
           'cut_at', string.format('%.6f', now))
return tostring(cut)
"""
)


@dataclass(frozen=True)
class Grant:
    """How many calls may be sent, and in how many seconds more may be asked for.

    The first is to be sent in `first` seconds (at once if that is past), the others `1 / rate` seconds apart.
    """

    granted: int
    wait: float
    rate: float
    first: float = 0.0
    interval: float = 0.0

    def times(self, now: float) -> list[float]:
        """When each call is to be sent, by the clock that says `now`."""
        return [now + self.first + number * self.interval for number in range(self.granted)]


class RateLimiterUnavailable(Exception):
    """Redis does not answer: nobody knows whose turn it is, so nothing is sent."""


class RateLimiter:
    """One API's turns: `key` names (account, region, API); `quota` is calls a second, of which a `share` is used."""

    def __init__(self, connection: redis.Redis, *, key: str, quota: float, share: float = 1.0) -> None:
        self._redis, self._key, self.quota, self._share = connection, f"imagelib:quota:{{{key}}}", quota, share

    def take(self, wanted: int, *, ahead: float = AHEAD) -> Grant:
        """Up to `wanted` turns of those in the next `ahead` seconds. Raises Away."""
        ahead = min(ahead, FURTHEST_AHEAD)
        granted, wait, rate, first = self._run(self._take, wanted, ahead, BURST, FURTHEST_AHEAD)
        pace = float(rate)
        return Grant(int(granted), float(wait), pace / self._share, float(first), 1 / pace)

    def throttled(self) -> float:
        """AWS said no: slow down for everybody, at most once a second; the new rate. Raises Away."""
        pace = self._run(self._throttled, REPEATED, REPEATED_DECREASE, DECREASE, FLOOR)
        return float(pace) / self._share

    def _run(self, script: Any, *arguments: float) -> Any:
        common = (self.quota * self._share, GROWTH, BURST_BACK, FORGET_AFTER)
        try:
            return script(keys=[self._key], args=(*common, *arguments))
        except redis.RedisError as error:
            raise RateLimiterUnavailable(f"Redis does not answer: {error}") from error

    @cached_property
    def _take(self) -> Any:
        return self._redis.register_script(_TAKE)

    @cached_property
    def _throttled(self) -> Any:
        return self._redis.register_script(_THROTTLED)
