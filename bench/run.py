"""Runs the benches, each in a process of its own, and prints what they found: bench/run.py [NAME …].

The exit status is 1 if a bench crashed; a target that is missed is printed as missed and no more than that.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # called as a file, and runs its benches as modules

from bench.report import Report  # noqa: E402

BENCHES = {  # seconds each may take
    "ingest": 420.0,
    "upload_latency": 180.0,
    "suite": 440.0,
    "start": 420.0,
    "quota": 420.0,
    "cpu_per_image": 540.0,
    "lambda_loop": 300.0,
    "faults": 330.0,
    "recovery": 2_400.0,
    "worker_memory": 240.0,
    "batch_queueing": 600.0,
    "bulk": 420.0,
    "search": 3_600.0,  # a million pictures are loaded, unless they still are
    "scrolling": 300.0,
    "dashboard": 1_800.0,  # the same million
    "admin": 1_800.0,
    "sync": 300.0,
    "events": 900.0,
    "direct_upload": 1_800.0,  # both ways take about as long as all 500 are decoded by two cores
}
FAREWELL = 60.0  # seconds a bench has to stop its services and delete its folders


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"There is no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    print(machine(), flush=True)
    crashed = [name for name in names or BENCHES if not show(name)]
    if crashed:
        print(f"\nCrashed: {', '.join(crashed)}; see above.", file=sys.stderr)
    return bool(crashed)


def show(name: str) -> bool:
    """Whether the bench came to its end."""
    began = time.monotonic()
    report = measured(name)
    if report is None:
        return False
    print(f"\n{name} · {report.table()}\n  ({time.monotonic() - began:.0f} s)", flush=True)
    return True


def measured(name: str) -> Report | None:
    process = subprocess.Popen(
        [sys.executable, "-m", f"bench.{name}"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=BENCHES[name])
    except subprocess.TimeoutExpired:
        print(f"{name} was not done after {BENCHES[name]:.0f} s.", file=sys.stderr)
        output = ""
    finally:
        _end(process)
    return Report.from_json(output) if process.returncode == 0 and output else None


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    now = datetime.now(UTC)
    return (
        f"{cores()} cores ({processor()}), {memory:.0f} GB, Python {platform.python_version()}, {platform.system()}; "
        f"{now:%Y-%m-%d %H:%M} UTC, commit {commit()}, load before it began {load:.1f}"
    )


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def _end(process: subprocess.Popen[str]) -> None:
    """A bench that is told to end stops what it started."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=FAREWELL)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
