"""Throughput under a quota of 50 calls a second, also with a limiter set to 100.

`python -m bench.quota shipped` measures one worker with default settings, at three latencies and with both ways of
counting a quota, and how soon the rate recovers after the quota was a tenth for a while.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.recognition_env import JITTER, LATENCY, RecognitionEnv, recognition_env
from bench.report import Measurement, Report

QUOTA, WRONG = 50, 100  # calls a second
SECONDS, WARM_UP = 60, 10
WINDOW, SETTLED_AFTER = 5, 30  # seconds
SIZE = 20_000  # bytes
LATENCIES = (150, 300, 900)  # milliseconds
SHORT, SHORT_WARM_UP = 20, 6  # seconds
THROTTLED_FOR, BACK_WITHIN, SMOOTHED = 20, 40, 3


@dataclass(frozen=True)
class Second:
    """Calls that the simulator received in a second, and their results."""

    received: int
    paid: int
    throttled: int


@dataclass(frozen=True)
class Interval:
    """Consecutive seconds of one run."""

    seconds: Sequence[Second]
    failed: int
    processors: Sequence[float] = ()  # seconds of each worker

    @property
    def rate(self) -> float:
        return sum(second.paid for second in self.seconds) / len(self.seconds)

    @property
    def throttled(self) -> float:
        """Percent of the calls."""
        received = sum(second.received for second in self.seconds)
        return 100 * sum(second.throttled for second in self.seconds) / received if received else 0.0

    def windows(self) -> list[Interval]:
        starts = range(0, len(self.seconds), WINDOW)
        return [Interval(self.seconds[start : start + WINDOW], self.failed) for start in starts]

    def after(self, seconds: int) -> Interval:
        return Interval(self.seconds[seconds:], self.failed)


def measure() -> Report:
    pictures = (SECONDS + WARM_UP + 10) * QUOTA
    with recognition_env(tps=QUOTA, env={"RECOGNITION_THREADS": "32"}) as library:
        library.fill(3 * pictures, size=SIZE)
        one = run(library, pictures=pictures, workers=1, limit=QUOTA)
        four = run(library, pictures=pictures, workers=4, limit=QUOTA)
        wrong = run(library, pictures=pictures, workers=1, limit=WRONG, warm_up=0)
    return report(one, four, wrong)


def run(library: RecognitionEnv, *, pictures: int, workers: int, limit: int, warm_up: int = WARM_UP) -> Interval:
    """Measure a minute with some workers whose rate limiter is set to `limit`."""
    library.queue(pictures)
    # A separate account for each run, since the limiter keeps an account's rate for an hour.
    env = {"REKOGNITION_QUOTA": f"labels={limit}", "AWS_ACCOUNT": f"{workers}-{limit}"}
    with library.workers(workers, **env) as processes:
        library.simulator.reset()
        library.announce(4 * workers)  # like four requests of 1,000 pictures, so that each idle worker gets a message
        library.simulator.wait_for_calls(1, seconds=30)
        time.sleep(warm_up)
        first, before = int(time.time()) + 1, library.usage(processes)
        time.sleep(SECONDS + 1.5)
        by_second = {second["second"]: second for second in library.simulator.statistics()["seconds"]}
        usage = library.usage(processes).since(before)
        library.drop_queue()
    names = ("received", "paid", "throttled")
    seconds = [
        Second(**{name: by_second.get(number, {}).get(name, 0) for name in names})
        for number in range(first, first + SECONDS)
    ]
    failed = library.row("SELECT count(*) FROM analysis_analysis WHERE state = 'failed'")[0]
    return Interval(seconds, failed, usage.workers)


def report(one: Interval, four: Interval, wrong: Interval) -> Report:
    settled = wrong.after(SETTLED_AFTER)
    figures = [
        *_measurements(one, "one worker"),
        *_measurements(four, "four workers"),
        Measurement(
            what=f"limit of {WRONG}: answered after {SETTLED_AFTER} s", ours=settled.rate, unit="/s", rival=QUOTA
        ),
        Measurement(what=f"limit of {WRONG}: throttled", ours=settled.throttled, unit="%"),
    ]
    windows = wrong.windows()
    notes = [
        f"{LATENCY} ms ± {JITTER}; {SECONDS} s after {WARM_UP} s of warm-up, counted by the simulator, whose quota is "
        f"a token bucket with {QUOTA} calls a second and a capacity of one second; the rival is the quota.",
        "Processor time of four workers: " + ", ".join(f"{seconds:.1f} s" for seconds in four.processors) + ".",
        f"With a limit of {WRONG}, answered a second in intervals of {WINDOW} s from the first call: "
        + " ".join(f"{window.rate:.0f}" for window in windows),
        "throttled, percent: " + " ".join(f"{window.throttled:.1f}" for window in windows),
    ]
    return Report(f"{QUOTA} calls a second", figures, notes)


def _measurements(run: Interval, name: str) -> list[Measurement]:
    minimum = min(window.rate for window in run.windows())
    return [
        Measurement(what=f"{name}: answered", ours=run.rate, unit="/s", rival=QUOTA, at_least_ratio=0.95),
        Measurement(what=f"{name}: slowest {WINDOW} s", ours=minimum, unit="/s", rival=QUOTA),
        Measurement(what=f"{name}: throttled", ours=run.throttled, unit="%", at_most=0.5),
        Measurement(what=f"{name}: failed", ours=run.failed, unit="", at_most=0),
    ]


def measure_shipped() -> Report:
    """Measure one worker with default settings, in short runs."""
    with recognition_env(tps=QUOTA, env={"REKOGNITION_QUOTA": f"labels={QUOTA}"}) as library:
        pictures = (SHORT + SHORT_WARM_UP + 6) * QUOTA
        library.fill(6 * pictures + (THROTTLED_FOR + BACK_WITHIN + 20) * QUOTA, size=SIZE)
        figures = list(_shipped(library, pictures))
        figures.append(_recovered(library))
    notes = [f"{SHORT} s each after {SHORT_WARM_UP} s of warm-up; other load of the machine counts against imagelib."]
    return Report(f"{QUOTA} calls a second, one worker with default settings", figures, notes)


def _shipped(library: RecognitionEnv, pictures: int) -> Iterator[Measurement]:
    for window in ("bucket", "second"):
        for latency in LATENCIES:
            library.simulator.set(latency=latency, jitter=latency / 6, window=window)
            library.queue(pictures)
            with library.workers(AWS_ACCOUNT=f"{window}-{latency}"):
                interval = _measure_interval(library, warm_up=SHORT_WARM_UP, seconds=SHORT)
                library.drop_queue()
                library.wait_until_done(seconds=30)
            what = f"{window}, {latency} ms"
            yield Measurement(what=f"{what}: answered", ours=interval.rate, unit="/s", rival=QUOTA, at_least_ratio=0.95)
            yield Measurement(what=f"{what}: throttled", ours=interval.throttled, unit="%", at_most=0.5)


def _recovered(library: RecognitionEnv) -> Measurement:
    """Seconds until 90 % of the quota is used again, after it was a tenth."""
    library.simulator.set(latency=LATENCY, jitter=JITTER, window="bucket", tps=QUOTA)
    library.queue((THROTTLED_FOR + BACK_WITHIN + 15) * QUOTA)
    with library.workers(AWS_ACCOUNT="recovered"):
        _measure_interval(library, warm_up=2, seconds=3)
        library.simulator.set(tps=QUOTA / 10, burst=1)
        time.sleep(THROTTLED_FOR)
        library.simulator.set(tps=QUOTA, burst=None)
        interval = _measure_interval(library, warm_up=0, seconds=BACK_WITHIN)
        library.drop_queue()
        library.wait_until_done(seconds=30)
    paid = [second.paid for second in interval.seconds]
    means = [sum(paid[start : start + SMOOTHED]) / SMOOTHED for start in range(len(paid) - SMOOTHED)]
    recovered = next((start for start, mean in enumerate(means) if mean >= 0.9 * QUOTA), BACK_WITHIN)
    return Measurement(what="back to 0.9 after a tenth", ours=recovered, unit="s", at_most=20)


def _measure_interval(library: RecognitionEnv, *, warm_up: float, seconds: int) -> Interval:
    """The simulator's counts in the next whole seconds."""
    if warm_up:
        library.simulator.reset()
        library.announce(1)
        library.simulator.wait_for_calls(1, seconds=60)
    time.sleep(warm_up)
    first = int(time.time()) + 1
    time.sleep(seconds + 1.5)
    by_second = {second["second"]: second for second in library.simulator.statistics()["seconds"]}
    names = ("received", "paid", "throttled")
    counted = [
        Second(**{name: by_second.get(number, {}).get(name, 0) for name in names})
        for number in range(first, first + seconds)
    ]
    return Interval(counted, 0)


if __name__ == "__main__":
    print((measure_shipped() if sys.argv[1:] == ["shipped"] else measure()).to_json())
