"""Bench of `analyze_images` at 100 calls/s, against a loop and Celery tasks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from bench import sandbox
from bench.cpu_per_image import run_baseline
from bench.recognition_env import JITTER, LATENCY, RecognitionEnv, recognition_env
from bench.report import Measurement, Report

QUOTA = 100  # calls a second
PICTURES, LOOP_PICTURES, GROUP_PICTURES, UNLIMITED_PICTURES = 6_000, 60, 2_000, 6_000
SIZE = 5_000  # bytes
LIMIT = 150.0
THREADS = 64


@dataclass(frozen=True)
class Run:
    """Responses a second between the first and last call, and the simulator's counts."""

    rate: float
    throttled: int
    received: int


def measure() -> Report:
    with recognition_env(env=_env(QUOTA), tps=QUOTA) as library:
        library.fill(PICTURES + GROUP_PICTURES, size=SIZE)
        loop = run_baseline(library, threads=1, calls=LOOP_PICTURES)
        library.simulator.reset()
        group = _run_group(library)
        with library.workers():
            command_run = _run_command(library, PICTURES)
    with recognition_env(env=_env(100_000)) as library:
        library.fill(UNLIMITED_PICTURES, size=SIZE)
        with library.workers():
            unlimited = _run_command(library, UNLIMITED_PICTURES)
    loop_rate = LOOP_PICTURES / loop.seconds
    measurements = [
        Measurement(
            name="analyze_images, against the quota",
            value=command_run.rate,
            unit="/s",
            baseline=float(QUOTA),
            at_least_ratio=0.9,
        ),
        Measurement(name="against one call after another", value=command_run.rate, unit="/s", baseline=loop_rate),
        Measurement(name="against a Celery task a picture", value=command_run.rate, unit="/s", baseline=group.rate),
        Measurement(
            name="analyze_images, throttled", value=100 * command_run.throttled / command_run.received, unit="%"
        ),
        Measurement(name="Celery tasks, throttled", value=100 * group.throttled / group.received, unit="%"),
        Measurement(name="without a quota", value=unlimited.rate, unit="/s"),
    ]
    notes = [
        f"{LATENCY} ms ± {JITTER}; database, broker, simulator, worker and command on the same cores.",
        f"analyze_images: {PICTURES:,} pictures, one worker of {THREADS} calls, from the first call to the last.",
        f"Celery tasks: a group of {GROUP_PICTURES:,}, {THREADS} threads, boto3 with its own retries (standard, 5).",
    ]
    return Report(f"a bulk run at {QUOTA} calls a second", measurements, notes)


def _env(quota: int) -> dict[str, str]:
    return {"REKOGNITION_QUOTA": f"labels={quota}", "RECOGNITION_THREADS": str(THREADS)}


def _run_command(library: RecognitionEnv, count: int) -> Run:
    """Time the command from its first call until the last result is recorded."""
    library.simulator.reset()
    arguments = ["analyze_images", "--missing", "--limit", str(count), "--yes", "--json"]
    command = [sys.executable, "manage.py", *arguments]
    process = subprocess.Popen(command, cwd=sandbox.ROOT, env=library.env, stdout=subprocess.DEVNULL)
    try:
        library.simulator.wait_for_calls(1, seconds=30)
        began = time.monotonic()
        library.simulator.wait_for_calls(count, seconds=LIMIT)
        library.wait_until_done(seconds=30)
        seconds = time.monotonic() - began
        process.wait(timeout=60)
    finally:
        process.kill()
    return _run(library, count / seconds)


def _run_group(library: RecognitionEnv) -> Run:
    folder = library.library.var / "pictures" / "originals"
    arguments = [library.simulator.address, str(folder), "--tasks", str(GROUP_PICTURES), "--threads", str(THREADS)]
    command = [sys.executable, "-m", "bench.celery_group", *arguments]
    process = subprocess.run(
        command, cwd=sandbox.ROOT, env=library.env, check=True, stdout=subprocess.PIPE, timeout=LIMIT + 60
    )
    return _run(library, json.loads(process.stdout.splitlines()[-1])["rate"])


def _run(library: RecognitionEnv, rate: float) -> Run:
    statistics = library.simulator.statistics()
    return Run(rate, throttled=statistics["throttled"], received=statistics["requests"])


if __name__ == "__main__":
    print(measure().to_json())
