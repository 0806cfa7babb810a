"""Bench of the rate limiter: calls a second at a quota of 50, also if set to 100.

`python -m bench.quota defaults` measures one worker with default settings, at three latencies and with both kinds of
quota, and the time to recover after the quota was a tenth for a while.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.recognition_env import JITTER, LATENCY, RecognitionEnv, recognition_env
from bench.report import Measurement, Report

QUOTA, WRONG_QUOTA = 50, 100  # calls a second
SECONDS, WARM_UP = 60, 10
WINDOW, ADAPTED_AFTER = 5, 30  # seconds
SIZE = 20_000  # bytes
LATENCIES = (150, 300, 900)  # milliseconds
SHORT_SECONDS, SHORT_WARM_UP = 20, 6  # seconds
THROTTLED_SECONDS, RECOVERY_SECONDS, SMOOTHING = 20, 40, 3


@dataclass(frozen=True)
class Second:
    """Calls in one second, as counted by the simulator."""

    received: int
    paid: int
    throttled: int


@dataclass(frozen=True)
class TimeSpan:
    """Consecutive seconds of a run."""

    seconds: Sequence[Second]
    failed: int
    processors: Sequence[float] = ()  # processor seconds by worker

    @property
    def rate(self) -> float:
        return sum(second.paid for second in self.seconds) / len(self.seconds)

    @property
    def throttled(self) -> float:
        """Percent of the calls."""
        received = sum(second.received for second in self.seconds)
        return 100 * sum(second.throttled for second in self.seconds) / received if received else 0.0

    def windows(self) -> list[TimeSpan]:
        starts = range(0, len(self.seconds), WINDOW)
        return [TimeSpan(self.seconds[start : start + WINDOW], self.failed) for start in starts]

    def after(self, seconds: int) -> TimeSpan:
        return TimeSpan(self.seconds[seconds:], self.failed)


def measure() -> Report:
    pictures = (SECONDS + WARM_UP + 10) * QUOTA
    with recognition_env(tps=QUOTA, env={"RECOGNITION_THREADS": "32"}) as env:
        env.fill(3 * pictures, size=SIZE)
        one = run(env, pictures=pictures, workers=1, limit=QUOTA)
        four = run(env, pictures=pictures, workers=4, limit=QUOTA)
        wrong_limit = run(env, pictures=pictures, workers=1, limit=WRONG_QUOTA, warm_up=0)
    return report(one, four, wrong_limit)


def run(env: RecognitionEnv, *, pictures: int, workers: int, limit: int, warm_up: int = WARM_UP) -> TimeSpan:
    """Observe workers whose limiter is set to `limit` for a minute."""
    env.queue(pictures)
    # Each run has its own account, since the limiter keeps an account's rate for an hour.
    settings = {"REKOGNITION_QUOTA": f"labels={limit}", "AWS_ACCOUNT": f"{workers}-{limit}"}
    with env.workers(workers, **settings) as processes:
        env.simulator.reset()
        env.announce(4 * workers)  # several messages, so that each idle worker gets one
        env.simulator.wait_for_calls(1, seconds=30)
        time.sleep(warm_up)
        first, before = int(time.time()) + 1, env.processor_use(processes)
        time.sleep(SECONDS + 1.5)
        by_second = {row["second"]: row for row in env.simulator.statistics()["seconds"]}
        usage = env.processor_use(processes).since(before)
        env.drop_queue()
    names = ("received", "paid", "throttled")
    seconds = [
        Second(**{name: by_second.get(number, {}).get(name, 0) for name in names})
        for number in range(first, first + SECONDS)
    ]
    failed = env.row("SELECT count(*) FROM analysis_analysis WHERE state = 'failed'")[0]
    return TimeSpan(seconds, failed, usage.workers)


def report(one: TimeSpan, four: TimeSpan, wrong_limit: TimeSpan) -> Report:
    adapted = wrong_limit.after(ADAPTED_AFTER)
    measurements = [
        *_rows(one, "one worker"),
        *_rows(four, "four workers"),
        Measurement(
            name=f"limiter at {WRONG_QUOTA}: answered after {ADAPTED_AFTER} s",
            value=adapted.rate,
            unit="/s",
            baseline=QUOTA,
        ),
        Measurement(name="limiter at the wrong quota: throttled", value=adapted.throttled, unit="%"),
    ]
    windows = wrong_limit.windows()
    notes = [
        f"{LATENCY} ms ± {JITTER}; {SECONDS} s after {WARM_UP} s of warm-up, counted by the simulator, whose quota is "
        f"a bucket that fills evenly with {QUOTA} calls a second and holds one second's calls. Baseline: the quota.",
        "Four workers used " + ", ".join(f"{seconds:.1f}" for seconds in four.processors) + " s of processor time.",
        f"Limiter at {WRONG_QUOTA}, answered per second in windows of {WINDOW} s from the first call: "
        + " ".join(f"{window.rate:.0f}" for window in windows),
        "Throttled in these windows, percent: " + " ".join(f"{window.throttled:.1f}" for window in windows),
    ]
    return Report(f"{QUOTA} calls a second", measurements, notes)


def _rows(run: TimeSpan, name: str) -> list[Measurement]:
    minimum = min(window.rate for window in run.windows())
    return [
        Measurement(name=f"{name}: answered", value=run.rate, unit="/s", baseline=QUOTA, at_least_ratio=0.95),
        Measurement(name=f"{name}: slowest {WINDOW} s", value=minimum, unit="/s", baseline=QUOTA),
        Measurement(name=f"{name}: throttled", value=run.throttled, unit="%", at_most=0.5),
        Measurement(name=f"{name}: failed", value=run.failed, unit="", at_most=0),
    ]


def measure_defaults() -> Report:
    """Measure one worker with default settings, in short runs."""
    with recognition_env(tps=QUOTA, env={"REKOGNITION_QUOTA": f"labels={QUOTA}"}) as env:
        pictures = (SHORT_SECONDS + SHORT_WARM_UP + 6) * QUOTA
        env.fill(6 * pictures + (THROTTLED_SECONDS + RECOVERY_SECONDS + 20) * QUOTA, size=SIZE)
        measurements = list(_default_runs(env, pictures))
        measurements.append(_measure_recovery(env))
    notes = [f"{SHORT_SECONDS} s each after {SHORT_WARM_UP} s of warm-up; other load on the machine lowers the rates."]
    return Report(f"{QUOTA} calls a second, one worker with default settings", measurements, notes)


def _default_runs(env: RecognitionEnv, pictures: int) -> Iterator[Measurement]:
    for window in ("bucket", "second"):
        for latency in LATENCIES:
            env.simulator.set(latency=latency, jitter=latency / 6, window=window)
            env.queue(pictures)
            with env.workers(AWS_ACCOUNT=f"{window}-{latency}"):
                span = _observe(env, warm_up=SHORT_WARM_UP, seconds=SHORT_SECONDS)
                env.drop_queue()
                env.wait_until_done(seconds=30)
            name = f"{window}, {latency} ms"
            yield Measurement(name=f"{name}: answered", value=span.rate, unit="/s", baseline=QUOTA, at_least_ratio=0.95)
            yield Measurement(name=f"{name}: throttled", value=span.throttled, unit="%", at_most=0.5)


def _measure_recovery(env: RecognitionEnv) -> Measurement:
    """Seconds to 0.9 of the quota, after it was a tenth for a while."""
    env.simulator.set(latency=LATENCY, jitter=JITTER, window="bucket", tps=QUOTA)
    env.queue((THROTTLED_SECONDS + RECOVERY_SECONDS + 15) * QUOTA)
    with env.workers(AWS_ACCOUNT="recovery"):
        _observe(env, warm_up=2, seconds=3)
        env.simulator.set(tps=QUOTA / 10, burst=1)
        time.sleep(THROTTLED_SECONDS)
        env.simulator.set(tps=QUOTA, burst=None)
        span = _observe(env, warm_up=0, seconds=RECOVERY_SECONDS)
        env.drop_queue()
        env.wait_until_done(seconds=30)
    paid = [second.paid for second in span.seconds]
    means = [sum(paid[start : start + SMOOTHING]) / SMOOTHING for start in range(len(paid) - SMOOTHING)]
    recovered_after = next((start for start, mean in enumerate(means) if mean >= 0.9 * QUOTA), RECOVERY_SECONDS)
    return Measurement(name="recovery to 0.9 after a tenth of the quota", value=recovered_after, unit="s", at_most=20)


def _observe(env: RecognitionEnv, *, warm_up: float, seconds: int) -> TimeSpan:
    """The simulator's counts of the next full seconds, after a warm-up."""
    if warm_up:
        env.simulator.reset()
        env.announce(1)
        env.simulator.wait_for_calls(1, seconds=60)
    time.sleep(warm_up)
    first = int(time.time()) + 1
    time.sleep(seconds + 1.5)
    by_second = {row["second"]: row for row in env.simulator.statistics()["seconds"]}
    names = ("received", "paid", "throttled")
    seconds_seen = [
        Second(**{name: by_second.get(number, {}).get(name, 0) for name in names})
        for number in range(first, first + seconds)
    ]
    return TimeSpan(seconds_seen, 0)


if __name__ == "__main__":
    print((measure_defaults() if sys.argv[1:] == ["defaults"] else measure()).to_json())
