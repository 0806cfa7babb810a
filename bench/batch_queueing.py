"""Bench of bulk runs: queueing 100,000 pictures, progress of a million analyses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from bench import sandbox
from bench.report import Measurement, Report, percentile

SMALL, LARGE, MILLION = 10_000, 100_000, 1_000_000
LOOKUPS = 200
LIMIT = 400.0


def measure() -> Report:
    with sandbox.empty_library() as library:
        library.add_user("bench")
        env = sandbox.environment(library.var, RECOGNIZER="simulator", RECOGNIZER_APIS="labels")
        small = _run_job(f"queue_all({SMALL})", env)
        large = _run_job(f"queue_all({LARGE})", env)
        lookups = _run_job(f"time_progress({MILLION}, times={LOOKUPS})", env)
    measurements = [
        Measurement(name=f"{LARGE:,} queued", value=large["seconds"], unit="s", at_most=60),
        Measurement(name="until the first analysis is queued", value=large["first"], unit="s", at_most=1),
        Measurement(
            name=f"peak memory, {LARGE:,} by {SMALL:,}",
            value=large["peak"],
            unit="MB",
            baseline=small["peak"],
            at_most_ratio=1.1,
        ),
        Measurement(
            name=f"progress at {MILLION:,}, p95", value=percentile(lookups["milliseconds"], 0.95), unit="ms", at_most=20
        ),
    ]
    notes = [
        "Without the window of 10,000 queued analyses, so nothing has to wait; each run in a fresh process.",
        f"Of the {MILLION:,} analyses 10,000 are queued; 500 entries are not aggregated yet; {LOOKUPS} lookups.",
    ]
    return Report("queueing and progress of a bulk run", measurements, notes)


def _run_job(call: str, env: Mapping[str, str]) -> dict[str, Any]:
    code = f"from bench import batch_queueing_job as job; job.{call}"
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    process = subprocess.run(command, cwd=sandbox.ROOT, env=env, check=True, stdout=subprocess.PIPE, timeout=LIMIT)
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    print(measure().to_json())
