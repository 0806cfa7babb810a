"""A quota of 50 calls a second: kept by one worker and by four, and found by a limiter that believes in 100.

`python -m bench.quota shipped` measures one worker with the settings as shipped, at three latencies and by both ways of
counting a quota, and how soon the rate is back after a minute in which the quota was a tenth.
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
WINDOW, FOUND_AFTER = 5, 30  # seconds
SIZE = 20_000  # bytes
LATENCIES = (150, 300, 900)  # milliseconds
SHORT, SHORT_WARM_UP = 20, 6  # seconds
THROTTLED_FOR, BACK_WITHIN, SMOOTHED = 20, 40, 3


@dataclass(frozen=True)
class Second:
    """What came to the simulator, and what it did."""

    received: int
    paid: int
    throttled: int


@dataclass(frozen=True)
class Stretch:
    """Seconds one after another, of one run."""

    seconds: Sequence[Second]
    failed: int
    processors: Sequence[float] = ()  # seconds of each worker

    @property
    def rate(self) -> float:
        return sum(each.paid for each in self.seconds) / len(self.seconds)

    @property
    def throttled(self) -> float:
        """Percent of the calls."""
        received = sum(each.received for each in self.seconds)
        return 100 * sum(each.throttled for each in self.seconds) / received if received else 0.0

    def windows(self) -> list[Stretch]:
        starts = range(0, len(self.seconds), WINDOW)
        return [Stretch(self.seconds[start : start + WINDOW], self.failed) for start in starts]

    def after(self, seconds: int) -> Stretch:
        return Stretch(self.seconds[seconds:], self.failed)


def measure() -> Report:
    enough = (SECONDS + WARM_UP + 10) * QUOTA
    with recognition_env(tps=QUOTA, env={"RECOGNITION_THREADS": "32"}) as library:
        library.fill(3 * enough, size=SIZE)
        one = run(library, pictures=enough, workers=1, limit=QUOTA)
        four = run(library, pictures=enough, workers=4, limit=QUOTA)
        wrong = run(library, pictures=enough, workers=1, limit=WRONG, warm_up=0)
    return report(one, four, wrong)


def run(library: RecognitionEnv, *, pictures: int, workers: int, limit: int, warm_up: int = WARM_UP) -> Stretch:
    """A minute with so many workers whose limiter believes in `limit`."""
    library.queue(pictures)
    # An account of its own each time, since the limiter remembers its account's rate for an hour.
    env = {"REKOGNITION_QUOTA": f"labels={limit}", "AWS_ACCOUNT": f"{workers}-{limit}"}
    with library.workers(workers, **env) as processes:
        library.simulator.reset()
        library.announce(4 * workers)  # as four requests of 1,000 pictures; whoever is idle hears of it
        library.simulator.wait_for_calls(1, seconds=30)
        time.sleep(warm_up)
        first, before = int(time.time()) + 1, library.took(processes)
        time.sleep(SECONDS + 1.5)
        by_second = {each["second"]: each for each in library.simulator.statistics()["seconds"]}
        took = library.took(processes).since(before)
        library.drop_queue()
    names = ("received", "paid", "throttled")
    seconds = [
        Second(**{name: by_second.get(number, {}).get(name, 0) for name in names})
        for number in range(first, first + SECONDS)
    ]
    failed = library.row("SELECT count(*) FROM analysis_analysis WHERE state = 'failed'")[0]
    return Stretch(seconds, failed, took.workers)


def report(one: Stretch, four: Stretch, wrong: Stretch) -> Report:
    found = wrong.after(FOUND_AFTER)
    figures = [
        *_kept(one, "one worker"),
        *_kept(four, "four workers"),
        Measurement(
            what=f"believing in {WRONG}: answered after {FOUND_AFTER} s", ours=found.rate, unit="/s", rival=QUOTA
        ),
        Measurement(what="believing in too much: throttled", ours=found.throttled, unit="%"),
    ]
    windows = wrong.windows()
    notes = [
        f"{LATENCY} ms ± {JITTER}; {SECONDS} s after {WARM_UP} s of warm-up, counted by the simulator, whose quota is "
        f"a bucket that fills evenly with {QUOTA} calls a second and holds a second's worth; the rival is the quota.",
        "Four workers took " + ", ".join(f"{each:.1f}" for each in four.processors) + " s of processor time.",
        f"Believing in {WRONG}, answered a second by {WINDOW} s from the first call: "
        + " ".join(f"{each.rate:.0f}" for each in windows),
        "of them throttled, percent: " + " ".join(f"{each.throttled:.1f}" for each in windows),
    ]
    return Report(f"{QUOTA} calls a second", figures, notes)


def _kept(run: Stretch, who: str) -> list[Measurement]:
    minimum = min(each.rate for each in run.windows())
    return [
        Measurement(what=f"{who}: answered", ours=run.rate, unit="/s", rival=QUOTA, at_least_ratio=0.95),
        Measurement(what=f"{who}: slowest {WINDOW} s", ours=minimum, unit="/s", rival=QUOTA),
        Measurement(what=f"{who}: throttled", ours=run.throttled, unit="%", at_most=0.5),
        Measurement(what=f"{who}: failed", ours=run.failed, unit="", at_most=0),
    ]


def measure_shipped() -> Report:
    """One worker, RECOGNITION_THREADS unset; short runs, so that a quiet moment of the machine is enough."""
    with recognition_env(tps=QUOTA, env={"REKOGNITION_QUOTA": f"labels={QUOTA}"}) as library:
        pictures = (SHORT + SHORT_WARM_UP + 6) * QUOTA
        library.fill(6 * pictures + (THROTTLED_FOR + BACK_WITHIN + 20) * QUOTA, size=SIZE)
        figures = list(_shipped(library, pictures))
        figures.append(_recovered(library))
    notes = [f"{SHORT} s each after {SHORT_WARM_UP} s of warm-up; what else the machine does counts against us."]
    return Report(f"{QUOTA} calls a second, one worker as shipped", figures, notes)


def _shipped(library: RecognitionEnv, pictures: int) -> Iterator[Measurement]:
    for window in ("bucket", "second"):
        for latency in LATENCIES:
            library.simulator.set(latency=latency, jitter=latency / 6, window=window)
            library.queue(pictures)
            with library.workers(AWS_ACCOUNT=f"{window}-{latency}"):
                stretch = _stretch(library, warm_up=SHORT_WARM_UP, seconds=SHORT)
                library.drop_queue()
                library.wait_until_done(seconds=30)
            what = f"{window}, {latency} ms"
            yield Measurement(what=f"{what}: answered", ours=stretch.rate, unit="/s", rival=QUOTA, at_least_ratio=0.95)
            yield Measurement(what=f"{what}: throttled", ours=stretch.throttled, unit="%", at_most=0.5)


def _recovered(library: RecognitionEnv) -> Measurement:
    """Seconds until 0.9 of the quota is answered, after it was a tenth for a while."""
    library.simulator.set(latency=LATENCY, jitter=JITTER, window="bucket", tps=QUOTA)
    library.queue((THROTTLED_FOR + BACK_WITHIN + 15) * QUOTA)
    with library.workers(AWS_ACCOUNT="recovered"):
        _stretch(library, warm_up=2, seconds=3)
        library.simulator.set(tps=QUOTA / 10, burst=1)
        time.sleep(THROTTLED_FOR)
        library.simulator.set(tps=QUOTA, burst=None)
        stretch = _stretch(library, warm_up=0, seconds=BACK_WITHIN)
        library.drop_queue()
        library.wait_until_done(seconds=30)
    paid = [each.paid for each in stretch.seconds]
    means = [sum(paid[start : start + SMOOTHED]) / SMOOTHED for start in range(len(paid) - SMOOTHED)]
    back = next((start for start, mean in enumerate(means) if mean >= 0.9 * QUOTA), BACK_WITHIN)
    return Measurement(what="back to 0.9 after a tenth", ours=back, unit="s", at_most=20)


def _stretch(library: RecognitionEnv, *, warm_up: float, seconds: int) -> Stretch:
    """What the simulator counts in so many whole seconds from now."""
    if warm_up:
        library.simulator.reset()
        library.announce(1)
        library.simulator.wait_for_calls(1, seconds=60)
    time.sleep(warm_up)
    first = int(time.time()) + 1
    time.sleep(seconds + 1.5)
    by_second = {each["second"]: each for each in library.simulator.statistics()["seconds"]}
    names = ("received", "paid", "throttled")
    counted = [
        Second(**{name: by_second.get(number, {}).get(name, 0) for name in names})
        for number in range(first, first + seconds)
    ]
    return Stretch(counted, 0)


if __name__ == "__main__":
    print((measure_shipped() if sys.argv[1:] == ["shipped"] else measure()).to_json())
