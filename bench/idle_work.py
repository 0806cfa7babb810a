"""`manage.py work --until-idle` without Redis compared with a worker and a scheduler."""

from __future__ import annotations

import subprocess
import sys
import time

from bench import sandbox
from bench.recognition_env import JITTER, LATENCY, RecognitionEnv, recognition_env, wait_until
from bench.report import Measurement, Report

PICTURES, ROUNDS = 500, 3
SIZE = 20_000  # bytes
LIMIT = 120.0
QUOTAS = (50, 5_000)  # calls a second: the default of AWS, and one that limits nothing


def measure() -> Report:
    measurements, notes = [], []
    for quota in QUOTAS:
        ratios, own, workers, whole = [], [], [], []
        with recognition_env(
            tps=quota, env={"REKOGNITION_QUOTA": f"labels={quota}", "DATABASE_POOL_SIZE": "20"}
        ) as env:
            env.fill(2 * PICTURES * ROUNDS + 100, size=SIZE)
            for _ in range(ROUNDS):
                with env.workers():
                    env.analyze(20, seconds=LIMIT)
                    workers.append(env.analyze(PICTURES, seconds=LIMIT))
                seconds, total = work(env)
                own.append(seconds)
                whole.append(total)
                ratios.append(own[-1] / workers[-1])
        middle = sorted(range(ROUNDS), key=ratios.__getitem__)[ROUNDS // 2]
        name = f"{PICTURES} pictures, {quota:,} calls/s allowed"
        measurements.append(
            Measurement(name=name, value=own[middle], unit="s", baseline=workers[middle], at_most_ratio=1.1)
        )
        measurements.append(Measurement(name="the whole command", value=whole[middle], unit="s"))
        notes.append(f"Ratios at {quota:,} calls/s: {' '.join(f'{ratio:.2f}' for ratio in sorted(ratios))}.")
    notes.append(
        f"From the first call to the last saved result; median of {ROUNDS} rounds. The same simulator: {LATENCY} ms "
        f"± {JITTER}. Worker and scheduler use Redis and are started before; `work` uses the database alone."
    )
    return Report("manage.py work --until-idle against worker and beat", measurements, notes)


def work(env: RecognitionEnv) -> tuple[float, float]:
    """Seconds from the first call to the last result, and of the whole command."""
    env.queue(PICTURES)
    env.simulator.reset()
    command = [sys.executable, "manage.py", "work", "--until-idle"]
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=sandbox.ROOT, env={**env.env, "REDIS_URL": "none"}, stdout=subprocess.DEVNULL
    )
    try:
        env.simulator.wait_for_calls(1, seconds=60)
        began = time.monotonic()
        env.simulator.wait_for_calls(PICTURES, seconds=LIMIT)
        env.wait_until_done(seconds=30)
        ended = time.monotonic()
        wait_until(lambda: process.poll() is not None, seconds=60, description="the command's end")
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise RuntimeError(f"The command ended with status {process.returncode}.")
    return ended - began, time.monotonic() - started


if __name__ == "__main__":
    print(measure().to_json())
