"""Command that runs benches in their own processes and prints their results.

bench/run.py [NAME …] runs all of them, or those named.

The exit status is 1 if a bench crashed; missed targets are only printed.
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
sys.path.insert(0, str(ROOT))  # run as a file, so only bench/ is on the path

from bench.report import Report

BENCHES = {  # time limits in seconds
    "ingest": 420.0,
    "upload_latency": 180.0,
    "suite": 440.0,
    "start": 420.0,
    "cold_start": 420.0,
    "quota": 420.0,
    "cpu_per_image": 540.0,
    "lambda_loop": 300.0,
    "idle_work": 900.0,
    "faults": 330.0,
    "recovery": 2_400.0,
    "worker_memory": 240.0,
    "local_models": 720.0,
    "batch_queueing": 600.0,
    "bulk": 420.0,
    "search": 3_600.0,  # loads a million pictures, unless an earlier run has
    "load": 3_600.0,  # the same million pictures; needs nginx
    "alerts": 900.0,  # 100,000 pictures
    "similar": 600.0,  # 100,000 pictures; `python -m bench.similar 1000000` takes an hour
    "scrolling": 300.0,
    "viewer": 300.0,
    "lighthouse": 900.0,  # downloads 90 MB of packages the first time
    "dashboard": 1_800.0,  # the same million pictures
    "api": 1_800.0,
    "admin": 1_800.0,
    "deliveries": 600.0,
    "metrics": 300.0,
    "backup_drill": 1_800.0,  # 10,000 pictures, 1.7 GB
    "census": 1_800.0,  # generates two inventories of ten million rows
    "sync": 300.0,
    "events": 900.0,
    "local_recognition": 900.0,  # downloads 95 MB of packages the first time
    "archive_download": 900.0,
    "direct_upload": 1_800.0,  # two cores decode all 500 pictures, once for each method
}
SHUTDOWN_SECONDS = 60.0  # for a bench to stop its services and delete its folders


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"Unknown bench: {', '.join(unknown)}. Choose from: {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    print(machine(), flush=True)
    crashed = [name for name in names or BENCHES if not run_and_print(name)]
    if crashed:
        print(f"\nCrashed: {', '.join(crashed)}; see above.", file=sys.stderr)
    return bool(crashed)


def run_and_print(name: str) -> bool:
    """Run a bench and print its report; False if it crashed."""
    began = time.monotonic()
    report = run_bench(name)
    if report is None:
        return False
    print(f"\n{name} · {report.table()}\n  ({time.monotonic() - began:.0f} s)", flush=True)
    return True


def run_bench(name: str) -> Report | None:
    process = subprocess.Popen(
        [sys.executable, "-m", f"bench.{name}"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=BENCHES[name])
    except subprocess.TimeoutExpired:
        print(f"{name} did not finish within {BENCHES[name]:.0f} s.", file=sys.stderr)
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
        f"{now:%Y-%m-%d %H:%M} UTC, commit {commit()}, load before the start {load:.1f}"
    )


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return output.strip() or "unknown"


def _end(process: subprocess.Popen[str]) -> None:
    """Interrupt a bench, which then stops its services itself; kill it if it does not."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=SHUTDOWN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
