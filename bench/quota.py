"""A quota of 50 calls a second: kept by one worker and by four, and found by a limiter that believes in 100."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.recognition_env import JITTER, LATENCY, RecognitionEnv, recognition_env
from bench.report import Measurement, Report

QUOTA, WRONG = 50, 100  # calls a second
SECONDS, WARM_UP = 60, 10
WINDOW, FOUND_AFTER = 5, 30  # seconds
SIZE = 20_000  # bytes


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


if __name__ == "__main__":
    print(measure().to_json())
