"""Wall-clock time of the test suite without browser and chaos tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from bench import sandbox
from bench.process_usage import children_processor_seconds
from bench.report import Measurement, Report

LIMIT = 400.0  # seconds
MAX_FAILURES = 5  # failed tests


def measure() -> Report:
    began, processor = time.monotonic(), children_processor_seconds()
    output = run_tests(
        [
            sys.executable,
            "-m",
            "pytest",
            "--numprocesses",
            "auto",
            "--dist",
            "worksteal",
            "-m",
            "not browser and not chaos",
            "-q",
        ]
    )
    seconds, processor = time.monotonic() - began, children_processor_seconds() - processor
    lines = output.strip().splitlines()
    slowest = next((line for line in lines if "s call" in line), "no duration was printed")
    failed = [line for line in lines if line.startswith("FAILED")]
    notes = [
        lines[-1] if lines else "pytest printed nothing.",
        f"Slowest test: {' '.join(slowest.split())}",
        *failed[:MAX_FAILURES],
    ]
    return Report(
        "test suite without browser and chaos tests",
        [
            Measurement(name="make test, not browser, not chaos", value=seconds, unit="s", at_most=60),
            Measurement(name="processor time, without servers", value=processor, unit="s"),
        ],
        notes,
    )


def run_tests(command: list[str]) -> str:
    """Run the tests and return their output; on a timeout they are interrupted."""
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
