"""Bench of `manage.py work --until-idle`, against a worker and a scheduler."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass

from bench import sandbox
from bench.recognition_env import JITTER, LATENCY, RecognitionEnv, recognition_env
from bench.report import Measurement, Report

PICTURES, WARM_UP, ROUNDS = 500, 20, 3
SIZE = 20_000  # bytes
LIMIT = 120.0
QUOTAS = (50, 5_000)  # calls a second: AWS's default, and one so high that it limits nothing


def measure() -> Report:
    measurements, notes = [], []
    with recognition_env() as env:
        env.fill((2 * PICTURES + WARM_UP) * ROUNDS * len(QUOTAS), size=SIZE)
        for quota in QUOTAS:
            env.simulator.set(tps=quota)
            rounds = sorted((measure_round(env, quota) for _ in range(ROUNDS)), key=lambda one_round: one_round.ratio)
            middle, name = rounds[ROUNDS // 2], f"{PICTURES} pictures, {quota:,} calls/s allowed"
            measurements += [
                Measurement(name=name, value=middle.work, unit="s", baseline=middle.workers, at_most_ratio=1.1),
                Measurement(name="the whole command, from start to exit", value=middle.command, unit="s"),
            ]
            notes.append(f"Ratios at {quota:,} calls/s: {' '.join(f'{one_round.ratio:.2f}' for one_round in rounds)}.")
    notes.append(
        f"From the first call to the last saved result; the median of {ROUNDS} rounds. The same simulator: "
        f"{LATENCY} ms ± {JITTER}. Worker and scheduler use Redis and are started before, `work` needs the database."
    )
    return Report("manage.py work --until-idle against worker and beat", measurements, notes)


@dataclass(frozen=True)
class Round:
    """Seconds of worker and scheduler, of `manage.py work`, and of its whole command."""

    workers: float
    work: float
    command: float

    @property
    def ratio(self) -> float:
        return self.work / self.workers


def measure_round(env: RecognitionEnv, quota: int) -> Round:
    variables = {"REKOGNITION_QUOTA": f"labels={quota}"}
    with env.workers(**variables):
        env.analyze(WARM_UP, seconds=LIMIT)
        seconds = env.analyze(PICTURES, seconds=LIMIT)
    return Round(seconds, *run_work(env, {**env.env, **variables, "REDIS_URL": "none"}))


def run_work(env: RecognitionEnv, variables: dict[str, str]) -> tuple[float, float]:
    """Seconds from the first call to the last result, and of the whole command."""
    env.queue(PICTURES)
    env.simulator.reset()
    command = [sys.executable, "manage.py", "work", "--until-idle"]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=sandbox.ROOT, env=variables, stdout=subprocess.DEVNULL)
    try:
        env.simulator.wait_for_calls(1, seconds=60)
        began = time.monotonic()
        env.simulator.wait_for_calls(PICTURES, seconds=LIMIT)
        env.wait_until_done(seconds=30)
        ended = time.monotonic()
        process.wait(timeout=LIMIT)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise RuntimeError(f"The command ended with status {process.returncode}.")
    return ended - began, time.monotonic() - started


if __name__ == "__main__":
    print(measure().to_json())
