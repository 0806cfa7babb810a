"""A bulk run over 100,000 pictures laid out, its memory from 10,000 on, and its progress among a million analyses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

from bench import sandbox
from bench.report import Measurement, Report, percentile

SMALL, LARGE, MILLION = 10_000, 100_000, 1_000_000
LOOKS = 200
LIMIT = 400.0


def measure() -> Report:
    with sandbox.library() as library:
        library.add_person("bench")
        env = sandbox.environment(library.var, RECOGNIZER="simulator", RECOGNIZER_APIS="labels")
        small = _in_a_process(f"queue_all({SMALL})", env)
        large = _in_a_process(f"queue_all({LARGE})", env)
        looks = _in_a_process(f"time_progress({MILLION}, times={LOOKS})", env)
    figures = [
        Measurement(what=f"{LARGE:,} laid out", ours=large["seconds"], unit="s", at_most=60),
        Measurement(what="until the first is queued", ours=large["first"], unit="s", at_most=1),
        Measurement(
            what=f"peak of the process, {LARGE:,} by {SMALL:,}",
            ours=large["peak"],
            unit="MB",
            rival=small["peak"],
            at_most_ratio=1.1,
        ),
        Measurement(
            what=f"progress at {MILLION:,}, p95", ours=percentile(looks["milliseconds"], 0.95), unit="ms", at_most=20
        ),
    ]
    notes = [
        "Laid out with the window of 10,000 lifted, so nothing is waited for; a process each, from a fresh start.",
        f"The batch of {MILLION:,} analyses has 10,000 waiting and 500 entries not folded yet; {LOOKS} looks.",
    ]
    return Report("a bulk run laid out and looked at", figures, notes)


def _in_a_process(words: str, env: Mapping[str, str]) -> dict:  # type: ignore[type-arg]
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", f"from bench import batch_queueing_job as job; job.{words}"]
    done = subprocess.run(command, cwd=sandbox.ROOT, env=env, check=True, stdout=subprocess.PIPE, timeout=LIMIT)
    found: dict = json.loads(done.stdout.splitlines()[-1])  # type: ignore[type-arg]
    return found


if __name__ == "__main__":
    print(measure().to_json())
