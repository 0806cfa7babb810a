"""The limiter and the limit of concurrent calls in virtual time.

Each worker goes through the rounds of `engine.Engine`; only their durations are made up. The endpoint is the
simulator's quota. Nothing waits, so the figures do not depend on how busy the machine is.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from analysis.recognition.aws_quotas import QUOTA_SHARE
from analysis.recognition.concurrency import ConcurrencyLimit
from analysis.recognition.engine import BATCH_WINDOW, LOW_LOAD, POLL_INTERVAL
from analysis.recognition.rate_limiter import Lookahead, RateLimiter
from imagelib.simulator.quota import Quota

THREADS = 128  # RECOGNITION_THREADS as shipped
START = 1_000_000.0


@dataclass(frozen=True)
class Jitter:
    """Delays of a machine: means in seconds, and rare stalls of a whole worker."""

    lateness: float  # of a thread that wakes up
    network: float  # between sending and counting
    stall: float = 0.0
    stalls_per_second: float = 0.0


@dataclass
class Endpoint:
    """The quota as the simulator counts it."""

    rate: float
    window: str
    burst: float | None = None
    counts: Counter[tuple[int, bool]] = field(default_factory=Counter)
    quota: Quota = field(default_factory=Quota)

    def receive(self, now: float) -> bool:
        """True if the call succeeds, False if it is throttled."""
        if self.window == "second":
            is_answered = self.quota.acquire_in_second("calls", rate=self.rate, now=now)
        else:
            is_answered = self.quota.acquire("calls", rate=self.rate, burst=self.burst, now=now)
        self.counts[int(now - START), is_answered] += 1
        return is_answered

    def answered(self, first: int, last: int) -> float:
        """Successful calls per second, from second `first` to before `last`."""
        return sum(self.counts[second, True] for second in range(first, last)) / (last - first)

    def throttled(self, first: int, last: int) -> float:
        """Share of the calls."""
        throttled = sum(self.counts[second, False] for second in range(first, last))
        return throttled / (throttled + self.answered(first, last) * (last - first))


class Simulation:
    """Workers, an endpoint and a clock."""

    def __init__(
        self,
        connection: redis.Redis,
        endpoint: Endpoint,
        *,
        latency: float,
        jitter: Jitter,
        quota: float,
        workers: int = 1,
        seed: int = 1,
    ) -> None:
        self.now, self.endpoint, self.latency, self.jitter, self.quota = START, endpoint, latency, jitter, quota
        self.random = random.Random(seed)
        self._connection, self._numbers = connection, itertools.count()
        self._events: list[tuple[float, int, Callable]] = []
        for number in range(workers):
            worker = Worker(self)
            self.at(START + number * 0.013, worker.start_calls)

    def limiter(self) -> RateLimiter:
        return RateLimiter(
            self._connection, key="simulation", quota=self.quota, share=QUOTA_SHARE, clock=lambda: self.now
        )

    def at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), event))

    def run(self, seconds: float) -> None:
        """Let time pass until `seconds` after the start."""
        while self._events and self._events[0][0] < START + seconds:
            self.now, _, event = heapq.heappop(self._events)
            event()

    def delay(self, mean: float) -> float:
        return self.random.expovariate(1 / mean) if mean else 0.0


@dataclass(eq=False)
class Call:
    """A call in progress of one worker."""

    started_at: float
    ended_at: float | None = None
    is_answered: bool = True


class Worker:
    """The rounds of one engine."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation, self._limiter = simulation, simulation.limiter()
        self._concurrency = ConcurrencyLimit(THREADS, per_second=self._limiter.quota)
        self._lookahead, self._calls = Lookahead(simulation.now), list[Call]()
        self._waits_until: float | None = None  # the end of the pause, unless a call ends before

    def start_calls(self) -> None:
        """As Engine._start; claiming takes 5 ms and half a millisecond for each."""
        simulation, pause = self._simulation, POLL_INTERVAL
        free = self._concurrency.free(sum(call.ended_at is None for call in self._calls))
        duration = 0.0
        if free > 0:
            ahead = self._lookahead.seconds(simulation.now, is_busy=bool(self._calls))
            grant = self._limiter.acquire(free, ahead=ahead)
            duration = 0.005 + 0.0005 * grant.granted
            for moment in grant.times(simulation.now):
                call = Call(simulation.now + duration)
                self._calls.append(call)
                ready = max(moment, call.started_at + 0.004) + simulation.delay(simulation.jitter.lateness)
                simulation.at(ready, lambda call=call, is_strict=grant.is_strict: self._send(call, is_strict=is_strict))
            pause = min(grant.wait, POLL_INTERVAL) if not grant.granted else POLL_INTERVAL
        self._wait(simulation.now + duration, pause)

    def _send(self, call: Call, *, is_strict: bool) -> None:
        """As RateLimiter.wait_for_room."""
        simulation, jitter = self._simulation, self._simulation.jitter
        delay = self._limiter.send_delay(str(id(call))) if is_strict else 0.0
        if delay > 0:
            resumed_at = simulation.now + delay + simulation.delay(jitter.lateness)
            simulation.at(resumed_at, lambda: self._send(call, is_strict=True))
            return
        simulation.at(simulation.now + simulation.delay(jitter.network), lambda: self._receive(call))

    def _receive(self, call: Call) -> None:
        simulation = self._simulation
        call.is_answered = simulation.endpoint.receive(simulation.now)
        latency = simulation.latency * simulation.random.uniform(5 / 6, 7 / 6) if call.is_answered else 0.01
        simulation.at(simulation.now + latency, lambda: self._end(call))

    def _end(self, call: Call) -> None:
        call.ended_at = self._simulation.now
        self._concurrency.record_duration(call.ended_at - call.started_at)
        if self._waits_until is not None:
            self._waits_until = None
            self._gather()

    def _wait(self, start: float, pause: float) -> None:
        """Until a call has ended, at most `pause`."""

        def begin() -> None:
            if any(call.ended_at is not None for call in self._calls):
                self._gather()
                return
            self._waits_until = end = self._simulation.now + pause
            self._simulation.at(end, lambda: self._stop_waiting(end))

        self._simulation.at(start, begin)

    def _stop_waiting(self, end: float) -> None:
        if self._waits_until == end:
            self._waits_until = None
            self._gather()

    def _gather(self) -> None:
        window = BATCH_WINDOW if len(self._calls) > LOW_LOAD else 0.0
        self._simulation.at(self._simulation.now + window, self._collect)

    def _collect(self) -> None:
        """As Engine._collect_finished; saving takes 5 ms, and 2 ms for each result."""
        simulation, jitter = self._simulation, self._simulation.jitter
        done = [call for call in self._calls if call.ended_at is not None]
        self._calls = [call for call in self._calls if call.ended_at is None]
        seconds = 0.005 + 0.002 * len(done) if done else 0.0
        if simulation.random.random() < jitter.stalls_per_second * 0.15:
            seconds += jitter.stall
        if throttled := sum(not call.is_answered for call in done):
            simulation.at(simulation.now + seconds, lambda: self._limiter.throttled(throttled))
        simulation.at(simulation.now + seconds, self.start_calls)
