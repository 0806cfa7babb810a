"""Processor time per picture, compared with a thread pool of plain boto3 calls."""

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
SIZE = 20_000  # bytes; small pictures are the hardest case, since handling the bytes costs both sides the same
LIMIT = 90.0  # seconds for one round of one side
NO_QUOTA = {"REKOGNITION_QUOTA": "labels=100000", "RECOGNITION_THREADS": str(THREADS)}


@dataclass(frozen=True)
class Bare:
    seconds: float
    processor: float
    peak: float  # MB


@dataclass(frozen=True)
class Round:
    """The same number of pictures by plain boto3 calls and by imagelib."""

    bare: Bare
    seconds: float
    usage: ResourceUse

    @property
    def ratio(self) -> float:
        """Processor time of imagelib divided by that of the plain calls."""
        return self.usage.total / self.bare.processor


def measure() -> Report:
    with recognition_env(env=NO_QUOTA) as library:
        library.fill(WARM_UP + ROUNDS * PICTURES, size=SIZE)
        with library.workers() as workers:
            library.analyze(WARM_UP, seconds=LIMIT)
            return report([_round(library, workers) for _ in range(ROUNDS)])


def _round(library: RecognitionEnv, workers: list[subprocess.Popen[bytes]]) -> Round:
    bare = bare_calls(library, threads=THREADS, calls=PICTURES)
    library.queue(PICTURES)
    before = library.usage(workers)
    seconds = library.analyze_queued(PICTURES, seconds=LIMIT)
    return Round(bare, seconds, library.usage(workers).since(before))


def bare_calls(library: RecognitionEnv, *, threads: int, calls: int, more: Sequence[str] = ()) -> Bare:
    folder = library.library.var / "pictures" / "originals"
    arguments = [library.simulator.address, str(folder), "--threads", str(threads), "--calls", str(calls), *more]
    command = [sys.executable, "-m", "bench.boto3_baseline", *arguments]
    done = subprocess.run(command, cwd=sandbox.ROOT, env=library.env, check=True, stdout=subprocess.PIPE, timeout=LIMIT)
    return Bare(**json.loads(done.stdout))


def report(rounds: Sequence[Round]) -> Report:
    median = sorted(rounds, key=lambda round_: round_.ratio)[len(rounds) // 2]
    bare, usage = milliseconds(median.bare.processor), median.usage
    workers = milliseconds(sum(usage.workers))
    figures = [
        Measurement(what="answered", ours=PICTURES / median.seconds, unit="/s", rival=PICTURES / median.bare.seconds),
        Measurement(what="processor, the worker", ours=workers, unit="ms", rival=bare),
        Measurement(what="processor, PostgreSQL", ours=milliseconds(usage.database), unit="ms"),
        Measurement(what="processor, Redis", ours=milliseconds(usage.redis), unit="ms"),
        Measurement(what="total", ours=milliseconds(usage.total), unit="ms", rival=bare, at_most_ratio=4),
    ]
    notes = [
        f"{PICTURES:,} pictures of {SIZE:,} bytes a round, {LATENCY} ms ± {JITTER}; milliseconds a picture.",
        f"Median of {ROUNDS} rounds, plain calls first in each; ratios of the totals "
        + " ".join(f"{round_.ratio:.2f}" for round_ in rounds)
        + ".",
        f"Not counted: the first {WARM_UP} pictures, and two calls of each thread of the plain calls.",
        "The total covers claim, payload, call, saving, index and ledger, but not queueing.",
        f"The simulator, on the same cores, answers at most {THREADS * 1000 / LATENCY:.0f}/s.",
    ]
    return Report(
        f"{THREADS} calls in progress, no quota, compared with a thread pool of plain boto3 calls", figures, notes
    )


def milliseconds(seconds: float) -> float:
    """Milliseconds per picture."""
    return 1000 * seconds / PICTURES


if __name__ == "__main__":
    print(measure().to_json())
