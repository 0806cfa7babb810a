"""The wall time of the test suite without the tests in a browser."""

from __future__ import annotations

import subprocess
import sys
import time

from bench import place
from bench.figures import Figure, Report
from bench.usage import processor_of_children
from imagelib import embedded

LIMIT = 400.0  # seconds


def measure() -> Report:
    with place.temporary_folder() as folder:
        folder.chmod(0o711)  # some tests become an ordinary user
        try:
            began, processor = time.monotonic(), processor_of_children()
            tests = subprocess.run(
                [sys.executable, "-m", "pytest", "--numprocesses", "auto", "-m", "not browser", "-q"],
                cwd=place.ROOT,
                env=place.environment(TMPDIR=str(folder)),
                capture_output=True,
                text=True,
                check=False,
                timeout=LIMIT,
            )
            seconds, processor = time.monotonic() - began, processor_of_children() - processor
        finally:
            for var in folder.glob("imagelib-tests-*"):  # left behind if the time was up
                embedded.remove(var)
    lines = tests.stdout.strip().splitlines()
    slowest = next((line for line in lines if "s call" in line), "none tells its time")
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    notes = [lines[-1] if lines else "It said nothing.", f"The slowest: {' '.join(slowest.split())}", *failed]
    return Report(
        "the test suite without a browser",
        [
            Figure(what="make test, not browser", ours=seconds, unit="s", at_most=60),
            Figure(what="of it on a processor, servers apart", ours=processor, unit="s"),
        ],
        notes,
    )


if __name__ == "__main__":
    print(measure().to_json())
