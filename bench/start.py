"""Bench of `make demo` in a fresh clone, until it prints its address."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench import sandbox
from bench.report import Measurement, Report
from imagelib import embedded

ADDRESS, READY = "http://", "Ctrl-C"  # words of the lines that `manage.py run` prints
LIMIT = 300.0  # seconds for one start


@dataclass(frozen=True)
class Start:
    """Seconds until the address is printed, samples are imported, and for Ctrl-C."""

    address: float
    samples: float
    shutdown: float


def measure() -> Report:
    with sandbox.temporary_folder() as folder:
        clone = folder / "imagelib"
        subprocess.run(["git", "clone", "--quiet", str(sandbox.ROOT), str(clone)], check=True, timeout=60)
        try:
            first, second = time_start(clone), time_start(clone)
        finally:
            embedded.remove(clone / "var")
    measurements = [
        Measurement(name="make demo, first time", value=first.address, unit="s", at_most=180),
        Measurement(name="make demo, second time", value=second.address, unit="s", at_most=10),
        Measurement(name="until the samples are imported", value=first.samples, unit="s"),
        Measurement(name="Ctrl-C until it ended", value=max(first.shutdown, second.shutdown), unit="s"),
    ]
    notes = ["The clone holds what is committed; packages come from the registry, not from pip's cache."]
    return Report("make demo in a fresh clone until the address is printed", measurements, notes)


def time_start(clone: Path) -> Start:
    env = sandbox.environment(PORT=str(sandbox.free_port()), PIP_NO_CACHE_DIR="1")
    # This bench may run under make and in a virtual environment, which the clone must not see.
    for name in ("VIRTUAL_ENV", "IMAGELIB_VAR", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        env.pop(name, None)
    began = time.monotonic()
    with sandbox.running_program(["make", "demo"], folder=clone, env=env) as program:
        program.wait_for(ADDRESS, seconds=LIMIT)
        address = time.monotonic() - began
        program.wait_for(READY, seconds=LIMIT)
        samples = time.monotonic() - began
        return Start(address, samples, program.stop())


if __name__ == "__main__":
    print(measure().to_json())
