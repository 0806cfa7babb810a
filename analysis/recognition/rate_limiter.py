"""The rate limit of a billed API, shared by all workers through Redis.

GCRA (generic cell rate algorithm) on Redis' clock grants send times in one round trip. They are granted a little ahead
and evenly spaced across all workers, so that no second has more calls than the quota allows. Unused times may be made
up for in a small burst. The first throttled call disables bursts, since the quota is counted by the second. From then
on each call also waits until the second before it has room (`send_delay`), since the calls after a late one would come
too close to it. Further throttled calls lower the rate. It recovers along a cubic curve, as in TCP CUBIC: fast at
first, slowly near the rate that was too high, and fast again beyond it. If the clock is set back, for example by a
failover of Redis, scheduling restarts from the new time.

Measured with 64 threads in four processes at 50 calls a second: six Redis commands per grant, where a polling sliding
window took 262. Without a limiter, plain retries left 96 % of the requests throttled.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import redis

DECREASE = 0.97
# If this share of the calls was throttled within REPEATED_WITHIN seconds of the last decrease, the quota is far below
# the rate. A single call may be throttled just because others arrived late.
REPEATED_DECREASE = 0.7
REPEATED_WITHIN = 2
REPEATED_SHARE = 0.1
# Share of the quota by which the rate grows in the first second past the old rate; after t seconds, t³ times that.
GROWTH = 0.0004
# Calls a second at least, since only calls show that the quota is available again.
MIN_RATE = 0.1
# Seconds ahead for which send times are granted, longer than a round of the engine.
AHEAD, MAX_AHEAD = 0.3, 2.0
# Factor per round: a slow round is remembered for some seconds, since send times that pass unused are lost while
# bursts are off.
ROUND_DECAY = 0.99
# Within this many seconds, no more calls are sent than the quota allows in one: the time between sending and counting
# may vary by the difference.
STRICT_WINDOW = 1.02
# Seconds of unused send times that may be made up for at once, after a worker was late.
BURST = 0.1
# Seconds without a throttle after which bursts are allowed again.
BURST_RECOVERY = 600
# Seconds after which Redis expires the state of an unused API.
EXPIRY = 3_600

_RATE = """
local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end
local quota, growth = tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'next', 'cut', 'ceiling', 'cut_at', 'burst_at',
                         'throttled_at', 'throttled')
local cut, ceiling, cut_at = tonumber(state[2]) or quota, tonumber(state[3]) or quota, tonumber(state[4]) or 0
local since, rate = now - cut_at, quota
if since >= 0 then
    local back = ((ceiling - cut) / (quota * growth)) ^ (1 / 3)
    rate = math.min(quota, math.max(cut, ceiling + quota * growth * (since - back) ^ 3))
end
local has_burst = math.abs(now - (tonumber(state[5]) or 0)) > tonumber(ARGV[4])
"""

# Numbers are returned as text, since Redis cuts off the fraction of a Lua number, and stored with %.6f, since tostring
# keeps 14 digits, too few for the microseconds of a Unix time.
_ACQUIRE = (
    _RATE
    + """
local requested, ahead, burst, max_ahead = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local interval = 1 / rate
local horizon = now + math.max(ahead, interval)
local next = tonumber(state[1]) or now
if next < now - (has_burst and burst or 0) then next = now end
if next > now + 2 * math.max(max_ahead, interval) then next = horizon end
local granted = math.max(0, math.min(requested, math.floor((horizon - next) / interval + 1e-3)))
local first = next - now
next = next + granted * interval
redis.call('HSET', KEYS[1], 'next', string.format('%.6f', next))
redis.call('EXPIRE', KEYS[1], ARGV[5])
local wait = math.max(0, next + interval - horizon)
return {granted, tostring(wait), tostring(rate), tostring(first), has_burst and 0 or 1}
"""
)

_THROTTLED = (
    _RATE
    + """
local recent = math.abs(now - (tonumber(state[6]) or 0))
local throttled = tonumber(ARGV[10]) + (recent < tonumber(ARGV[6]) and tonumber(state[7]) or 0)
redis.call('HSET', KEYS[1], 'throttled', throttled)
if recent < 1 then return tostring(rate) end
redis.call('HSET', KEYS[1], 'throttled', 0)
redis.call('HSET', KEYS[1], 'throttled_at', string.format('%.6f', now))
redis.call('HSET', KEYS[1], 'burst_at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[5])
if has_burst then return tostring(rate) end
local is_far_lower = since >= 0 and since < tonumber(ARGV[6]) and throttled > rate * tonumber(ARGV[11])
local factor = tonumber(is_far_lower and ARGV[7] or ARGV[8])
cut = math.max(tonumber(ARGV[9]), rate * factor)
redis.call('HSET', KEYS[1], 'cut', tostring(cut), 'ceiling', tostring(math.max(rate, cut)),
           'cut_at', string.format('%.6f', now))
return tostring(cut)
"""
)

# KEYS[2]: send times of the latest calls, past or planned. A call asks again after its delay, since a busy machine
# may have let it sleep longer; then only sent calls count.
_SEND = (
    _RATE
    + """
local call, window, per_window = ARGV[6], tonumber(ARGV[7]), math.ceil(rate / tonumber(ARGV[8]) - 1e-6)
local is_known = redis.call('ZREM', KEYS[2], call) == 1
redis.call('ZREMRANGEBYSCORE', KEYS[2], now + 2 * window, '+inf')
local latest = is_known and string.format('%.6f', now) or '+inf'
local before = redis.call('ZREVRANGEBYSCORE', KEYS[2], latest, '-inf', 'WITHSCORES', 'LIMIT', per_window - 1, 1)
local at = before[2] and tonumber(before[2]) + window or now
if at < now + 1e-4 then at = now end
redis.call('ZADD', KEYS[2], string.format('%.6f', at), call)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.6f', now - 2 * window))
redis.call('EXPIRE', KEYS[2], ARGV[5])
return tostring(at - now)
"""
)


@dataclass(frozen=True)
class Grant:
    """Permission for `granted` calls; more may be requested in `wait` seconds.

    The first may be sent in `first` seconds (at once if negative), the others `interval` seconds apart. `rate` is the
    current limit in calls a second, before aws_quotas.QUOTA_SHARE. `is_strict`: `wait_for_room` before each call.
    """

    granted: int
    wait: float
    rate: float
    first: float = 0.0
    interval: float = 0.0
    is_strict: bool = False

    def times(self, now: float) -> list[float]:
        """Send times by the clock that reads `now`."""
        return [now + self.first + number * self.interval for number in range(self.granted)]


class Lookahead:
    """Seconds of send times to request: one and a half rounds of the engine."""

    def __init__(self, now: float) -> None:
        self._last_at, self._round_seconds = now, 0.0

    def seconds(self, now: float, *, is_busy: bool) -> float:
        """The seconds to request in this round; call it once per round.

        Without calls in progress the engine may have slept between rounds, which counts as no slow round.
        """
        elapsed = now - self._last_at if is_busy else 0.0
        self._last_at, self._round_seconds = now, max(elapsed, ROUND_DECAY * self._round_seconds)
        return max(AHEAD, 1.5 * self._round_seconds)


class RateLimiterUnavailable(Exception):
    """Redis is not available.

    Nothing may be sent, since the common rate of all workers is unknown.
    """


class RateLimiter:
    """The limit of one API: `key` names account, region and API.

    `quota` is calls a second, `share` the part used. `clock` replaces Redis' clock.
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        key: str,
        quota: float,
        share: float = 1.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        # In braces, so that a Redis cluster keeps both keys of a limiter on one node, as its scripts require (hash
        # tags).
        self._redis, self._key, self.quota, self._share = connection, f"imagelib:quota:{{{key}}}", quota, share
        self._clock = clock

    def acquire(self, count: int, *, ahead: float = AHEAD) -> Grant:
        """Up to `count` send times within the next `ahead` seconds.

        Raises RateLimiterUnavailable.
        """
        ahead = min(ahead, MAX_AHEAD)
        granted, wait, used_rate, first, is_strict = self._run(self._acquire, count, ahead, BURST, MAX_AHEAD)
        rate = float(used_rate)
        return Grant(int(granted), float(wait), rate / self._share, float(first), 1 / rate, bool(is_strict))

    def send_delay(self, call: str) -> float:
        """Seconds that a call must still wait at its send time: others may have been late.

        Call it again after the wait. `call` is any unique text.
        Raises RateLimiterUnavailable.
        """
        return float(self._run(self._send, call, STRICT_WINDOW, self._share))

    def wait_for_room(self) -> None:
        """Wait until a call may be sent after a strict grant.

        Raises RateLimiterUnavailable.
        """
        call = uuid.uuid4().hex
        while (delay := self.send_delay(call)) > 0:
            time.sleep(delay)

    def throttled(self, count: int = 1) -> float:
        """Lower the rate for all workers after throttled calls, at most once a second.

        Returns the new rate.
        Raises RateLimiterUnavailable.
        """
        rate = self._run(self._throttled, REPEATED_WITHIN, REPEATED_DECREASE, DECREASE, MIN_RATE, count, REPEATED_SHARE)
        return float(rate) / self._share

    def _run(self, script: Any, *arguments: float | str) -> Any:
        now = "" if self._clock is None else self._clock()
        common = (now, self.quota * self._share, GROWTH, BURST_RECOVERY, EXPIRY)
        try:
            return script(keys=[self._key, f"{self._key}:sent"], args=(*common, *arguments))
        except redis.RedisError as error:
            raise RateLimiterUnavailable(f"Redis is not available: {error}") from error

    @cached_property
    def _acquire(self) -> Any:
        return self._redis.register_script(_ACQUIRE)

    @cached_property
    def _send(self) -> Any:
        return self._redis.register_script(_SEND)

    @cached_property
    def _throttled(self) -> Any:
        return self._redis.register_script(_THROTTLED)
