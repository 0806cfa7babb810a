"""The wall time of the test suite without the tests in a browser and the chaos tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from bench import sandbox
from bench.process_usage import processor_of_children
from bench.report import Measurement, Report

LIMIT = 400.0  # seconds
SHOWN = 5  # failed tests


def measure() -> Report:
    began, processor = time.monotonic(), processor_of_children()
    output = outcome(
        [sys.executable, "-m", "pytest", "--numprocesses", "auto", "-m", "not browser and not chaos", "-q"]
    )
    seconds, processor = time.monotonic() - began, processor_of_children() - processor
    lines = output.strip().splitlines()
    slowest = next((line for line in lines if "s call" in line), "none tells its time")
    failed = [line for line in lines if line.startswith("FAILED")]
    notes = [lines[-1] if lines else "It said nothing.", f"The slowest: {' '.join(slowest.split())}", *failed[:SHOWN]]
    return Report(
        "the test suite without a browser",
        [
            Measurement(what="make test, not browser, not chaos", ours=seconds, unit="s", at_most=60),
            Measurement(what="of it on a processor, servers apart", ours=processor, unit="s"),
        ],
        notes,
    )


def outcome(command: list[str]) -> str:
    """What it said to its end. One that takes too long is interrupted, so that it stops its servers itself."""
    tests = subprocess.Popen(
        command,
        cwd=sandbox.ROOT,
        env=sandbox.environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        return tests.communicate(timeout=LIMIT)[0]
    finally:
        if tests.poll() is None:
            os.killpg(tests.pid, signal.SIGINT)
            tests.communicate(timeout=sandbox.SHUTDOWN_SECONDS)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(measure().to_json())
