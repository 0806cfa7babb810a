"""`make demo` in a fresh clone, from nothing until the address is printed, and once more."""

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
    """Seconds until the address, until the samples are in the library, and for the end by Ctrl-C."""

    address: float
    samples: float
    end: float


def measure() -> Report:
    with sandbox.temporary_folder() as folder:
        clone = folder / "imagelib"
        subprocess.run(["git", "clone", "--quiet", str(sandbox.ROOT), str(clone)], check=True, timeout=60)
        try:
            first, second = started(clone), started(clone)
        finally:
            embedded.remove(clone / "var")
    figures = [
        Measurement(what="make demo, first time", ours=first.address, unit="s", at_most=180),
        Measurement(what="make demo, second time", ours=second.address, unit="s", at_most=10),
        Measurement(what="until the samples are in", ours=first.samples, unit="s"),
        Measurement(what="Ctrl-C until the end", ours=max(first.end, second.end), unit="s"),
    ]
    notes = ["The clone is of what is committed; packages come from the registry, not from pip's cache."]
    return Report("make demo in a fresh clone until the address is printed", figures, notes)


def started(clone: Path) -> Start:
    env = sandbox.environment(PORT=str(sandbox.free_port()), PIP_NO_CACHE_DIR="1")
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
