"""`analyze_images` at a quota of 100 calls a second, beside a loop of single calls and a Celery task each picture."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from bench import sandbox
from bench.cpu_per_image import bare_calls
from bench.recognition_env import JITTER, LATENCY, RecognitionEnv, recognition_env
from bench.report import Measurement, Report

QUOTA = 100  # calls a second
PICTURES, LOOPED, GROUPED, FREE = 6_000, 60, 2_000, 6_000
SIZE = 5_000  # bytes
LIMIT = 150.0
THREADS = 64


@dataclass(frozen=True)
class Run:
    """Answers a second from the first call to the last, and what the simulator saw."""

    rate: float
    throttled: int
    received: int


def measure() -> Report:
    with recognition_env(env=_env(QUOTA), tps=QUOTA) as library:
        library.fill(PICTURES + GROUPED, size=SIZE)
        loop = bare_calls(library, threads=1, calls=LOOPED)
        library.simulator.reset()
        group = _group(library)
        with library.workers():
            ours = _command(library, PICTURES)
    with recognition_env(env=_env(100_000)) as library:
        library.fill(FREE, size=SIZE)
        with library.workers():
            free = _command(library, FREE)
    loops = LOOPED / loop.seconds
    figures = [
        Measurement(
            what="analyze_images, of the quota", ours=ours.rate, unit="/s", rival=float(QUOTA), at_least_ratio=0.9
        ),
        Measurement(what="against one after another", ours=ours.rate, unit="/s", rival=loops),
        Measurement(what="against a Celery task a picture", ours=ours.rate, unit="/s", rival=group.rate),
        Measurement(what="ours, throttled", ours=100 * ours.throttled / ours.received, unit="%"),
        Measurement(what="tasks, throttled", ours=100 * group.throttled / group.received, unit="%"),
        Measurement(what="without a quota", ours=free.rate, unit="/s"),
    ]
    notes = [
        f"{LATENCY} ms ± {JITTER}; database, broker, simulator, worker and command on the same cores.",
        f"Ours: {PICTURES:,} pictures by the command, one worker of {THREADS} calls, from the first call to the last.",
        f"The tasks: a Celery group of {GROUPED:,}, {THREADS} threads, boto3 with its own retries (standard, 5).",
    ]
    return Report(f"a bulk run at {QUOTA} calls a second", figures, notes)


def _env(quota: int) -> dict[str, str]:
    return {"REKOGNITION_QUOTA": f"labels={quota}", "RECOGNITION_THREADS": str(THREADS)}


def _command(library: RecognitionEnv, number: int) -> Run:
    """The command as it is typed, from the first call that it makes until the last one is recorded."""
    library.simulator.reset()
    words = ["analyze_images", "--missing", "--limit", str(number), "--yes", "--json"]
    command = [sys.executable, "manage.py", *words]
    process = subprocess.Popen(command, cwd=sandbox.ROOT, env=library.env, stdout=subprocess.DEVNULL)
    try:
        library.simulator.wait_for_calls(1, seconds=30)
        began = time.monotonic()
        library.simulator.wait_for_calls(number, seconds=LIMIT)
        library.wait_until_done(seconds=30)
        seconds = time.monotonic() - began
        process.wait(timeout=60)
    finally:
        process.kill()
    return _run(library, number / seconds)


def _group(library: RecognitionEnv) -> Run:
    folder = library.library.var / "pictures" / "originals"
    words = [library.simulator.address, str(folder), "--tasks", str(GROUPED), "--threads", str(THREADS)]
    command = [sys.executable, "-m", "bench.celery_group", *words]
    done = subprocess.run(
        command, cwd=sandbox.ROOT, env=library.env, check=True, stdout=subprocess.PIPE, timeout=LIMIT + 60
    )
    return _run(library, json.loads(done.stdout.splitlines()[-1])["rate"])


def _run(library: RecognitionEnv, rate: float) -> Run:
    seen = library.simulator.statistics()
    return Run(rate, throttled=seen["throttled"], received=seen["requests"])


if __name__ == "__main__":
    print(measure().to_json())
