"""Bench of cold starts: web and worker, on an empty library with running servers."""

from __future__ import annotations

import sys
import time

import psutil

from bench import sandbox
from bench.report import Measurement, Report

STARTS = 3
LIMIT = 60.0  # seconds for one start
WEB = ("gunicorn", "imagelib.wsgi", "--no-control-socket", "--bind")
WORKER = ("celery", "-A", "imagelib", "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle")


def measure() -> Report:
    with sandbox.empty_library() as library:
        web = min(_start(library, [*WEB, f"127.0.0.1:{sandbox.free_port()}"], "Booting worker") for _ in range(STARTS))
        worker = min(_start(library, list(WORKER), "ready.") for _ in range(STARTS))
    return Report(
        "web and worker from the command to ready",
        [
            Measurement(name="web", value=web[0], unit="s", at_most=3),
            Measurement(name="web, processor time", value=web[1], unit="s"),
            Measurement(name="worker", value=worker[0], unit="s", at_most=4),
            Measurement(name="worker, processor time", value=worker[1], unit="s"),
        ],
        [f"The fastest of {STARTS} starts; the files were read before."],
    )


def _start(library: sandbox.Library, command: list[str], ready: str) -> tuple[float, float]:
    """Seconds until a program is ready, and its processor seconds."""
    began = time.monotonic()
    program = sandbox.Program(
        [sys.executable, "-m", *command], folder=sandbox.ROOT, env=sandbox.environment(library.var)
    )
    try:
        program.wait_for(ready, seconds=LIMIT)
        seconds = time.monotonic() - began
        main = psutil.Process(program.process.pid)
        times = [process.cpu_times() for process in [main, *main.children(recursive=True)]]
        return seconds, sum(usage.user + usage.system for usage in times)
    finally:
        program.stop()


if __name__ == "__main__":
    print(measure().to_json())
