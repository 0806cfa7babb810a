"""No quota, 64 calls under way: the whole way of a picture against a bare pool of threads that calls boto3 alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench import sandbox
from bench.recognition_env import JITTER, LATENCY, RecognitionEnv, ResourceUse, recognition_env
from bench.report import Measurement, Report

THREADS = 64
PICTURES, WARM_UP, ROUNDS = 1_000, 300, 5
SIZE = 20_000  # bytes; what both do with them weighs little, so the ratio is the hardest
LIMIT = 90.0  # seconds for one round of one side
NO_QUOTA = {"REKOGNITION_QUOTA": "labels=100000", "RECOGNITION_THREADS": str(THREADS)}


@dataclass(frozen=True)
class Bare:
    seconds: float
    processor: float
    peak: float  # MB


@dataclass(frozen=True)
class Round:
    """The same number of pictures by the bare calls and by ours."""

    bare: Bare
    seconds: float
    took: ResourceUse

    @property
    def ratio(self) -> float:
        """Processor time of our whole way by that of the bare calls."""
        return self.took.whole / self.bare.processor


def measure() -> Report:
    with recognition_env(env=NO_QUOTA) as library:
        library.fill(WARM_UP + ROUNDS * PICTURES, size=SIZE)
        with library.workers() as workers:
            library.answer(WARM_UP, seconds=LIMIT)
            return report([_round(library, workers) for _ in range(ROUNDS)])


def _round(library: RecognitionEnv, workers: list[subprocess.Popen[bytes]]) -> Round:
    bare = bare_calls(library, threads=THREADS, calls=PICTURES)
    library.queue(PICTURES)
    before = library.took(workers)
    seconds = library.answer_queued(PICTURES, seconds=LIMIT)
    return Round(bare, seconds, library.took(workers).since(before))


def bare_calls(library: RecognitionEnv, *, threads: int, calls: int, more: Sequence[str] = ()) -> Bare:
    folder = library.library.var / "pictures" / "originals"
    words = [library.simulator.address, str(folder), "--threads", str(threads), "--calls", str(calls), *more]
    command = [sys.executable, "-m", "bench.boto3_baseline", *words]
    done = subprocess.run(command, cwd=sandbox.ROOT, env=library.env, check=True, stdout=subprocess.PIPE, timeout=LIMIT)
    return Bare(**json.loads(done.stdout))


def report(rounds: Sequence[Round]) -> Report:
    middle = sorted(rounds, key=lambda each: each.ratio)[len(rounds) // 2]
    bare, took = milliseconds(middle.bare.processor), middle.took
    workers = milliseconds(sum(took.workers))
    figures = [
        Measurement(what="answered", ours=PICTURES / middle.seconds, unit="/s", rival=PICTURES / middle.bare.seconds),
        Measurement(what="processor, the worker", ours=workers, unit="ms", rival=bare),
        Measurement(what="processor, PostgreSQL", ours=milliseconds(took.database), unit="ms"),
        Measurement(what="processor, Redis", ours=milliseconds(took.redis), unit="ms"),
        Measurement(what="the whole way", ours=milliseconds(took.whole), unit="ms", rival=bare, at_most_ratio=4),
    ]
    notes = [
        f"{PICTURES:,} pictures of {SIZE:,} bytes a round, {LATENCY} ms ± {JITTER}; milliseconds a picture.",
        f"The median of {ROUNDS} rounds, each ours after the bare one; ratios of the whole way "
        + " ".join(f"{each.ratio:.2f}" for each in rounds)
        + ".",
        f"The first {WARM_UP} pictures of ours and two calls of each bare thread do not count.",
        "The whole way is what the target is about: claim, payload, call, record, index, money; queueing is not in it.",
        f"The simulator, on the same cores, could answer {THREADS * 1000 / LATENCY:.0f}/s at most.",
    ]
    return Report(f"{THREADS} calls under way, no quota, against a bare pool of threads with boto3", figures, notes)


def milliseconds(seconds: float) -> float:
    """A picture's share."""
    return 1000 * seconds / PICTURES


if __name__ == "__main__":
    print(measure().to_json())
