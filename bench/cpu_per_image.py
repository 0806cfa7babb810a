"""Bench of processor time per analysis, against threads that only call boto3."""

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
SIZE = 20_000  # bytes; few, so that sending them, which both do, hides little of imagelib's own work
LIMIT = 90.0  # seconds for one side of a round
NO_QUOTA = {"REKOGNITION_QUOTA": "labels=100000", "RECOGNITION_THREADS": str(THREADS)}


@dataclass(frozen=True)
class BaselineRun:
    seconds: float
    processor: float
    peak: float  # MB


@dataclass(frozen=True)
class Round:
    """One round: the same number of pictures by the baseline and by imagelib."""

    baseline: BaselineRun
    seconds: float
    usage: ResourceUse

    @property
    def ratio(self) -> float:
        """imagelib's processor time divided by the baseline's."""
        return self.usage.total / self.baseline.processor


def measure() -> Report:
    with recognition_env(env=NO_QUOTA) as env:
        env.fill(WARM_UP + ROUNDS * PICTURES, size=SIZE)
        with env.workers() as workers:
            env.analyze(WARM_UP, seconds=LIMIT)
            return report([_round(env, workers) for _ in range(ROUNDS)])


def _round(env: RecognitionEnv, workers: list[subprocess.Popen[bytes]]) -> Round:
    baseline = run_baseline(env, threads=THREADS, calls=PICTURES)
    env.queue(PICTURES)
    before = env.processor_use(workers)
    seconds = env.analyze_queued(PICTURES, seconds=LIMIT)
    return Round(baseline, seconds, env.processor_use(workers).since(before))


def run_baseline(env: RecognitionEnv, *, threads: int, calls: int, options: Sequence[str] = ()) -> BaselineRun:
    folder = env.library.var / "pictures" / "originals"
    arguments = [env.simulator.address, str(folder), "--threads", str(threads), "--calls", str(calls), *options]
    command = [sys.executable, "-m", "bench.boto3_baseline", *arguments]
    process = subprocess.run(command, cwd=sandbox.ROOT, env=env.env, check=True, stdout=subprocess.PIPE, timeout=LIMIT)
    return BaselineRun(**json.loads(process.stdout))


def report(rounds: Sequence[Round]) -> Report:
    median_round = sorted(rounds, key=lambda pair: pair.ratio)[len(rounds) // 2]
    baseline, usage = per_picture(median_round.baseline.processor), median_round.usage
    workers = per_picture(sum(usage.workers))
    measurements = [
        Measurement(
            name="pictures analyzed",
            value=PICTURES / median_round.seconds,
            unit="/s",
            baseline=PICTURES / median_round.baseline.seconds,
        ),
        Measurement(name="processor time, worker", value=workers, unit="ms", baseline=baseline),
        Measurement(name="processor time, PostgreSQL", value=per_picture(usage.database), unit="ms"),
        Measurement(name="processor time, Redis", value=per_picture(usage.redis), unit="ms"),
        Measurement(
            name="processor time, total", value=per_picture(usage.total), unit="ms", baseline=baseline, at_most_ratio=4
        ),
    ]
    notes = [
        f"{PICTURES:,} pictures of {SIZE:,} bytes a round, {LATENCY} ms ± {JITTER}; milliseconds a picture.",
        f"The median of {ROUNDS} rounds, baseline first; ratios of the total "
        + " ".join(f"{pair.ratio:.2f}" for pair in rounds)
        + ".",
        f"The first {WARM_UP} pictures of imagelib and two calls of each thread of the baseline are not counted.",
        "The total covers claim, payload, call, result, index and ledger, without queueing; the target is about it.",
        f"With this latency {THREADS} calls in flight allow {THREADS * 1000 / LATENCY:.0f}/s at most.",
    ]
    return Report(f"{THREADS} calls in flight, no quota, against threads that only call boto3", measurements, notes)


def per_picture(seconds: float) -> float:
    """Milliseconds per picture."""
    return 1000 * seconds / PICTURES


if __name__ == "__main__":
    print(measure().to_json())
