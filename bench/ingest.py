"""Bench of `import_images`, against a process pool that only renders."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import photos, sandbox
from bench.process_usage import Peak, children_processor_seconds
from bench.report import Measurement, Report

SMALL, LARGE = 50, 200
ROUNDS = 3
LIMIT = 120.0  # seconds for one command


@dataclass(frozen=True)
class Run:
    """One command from its start until it exits."""

    files: int
    seconds: float
    processor: float  # seconds on all cores, without the embedded servers
    peak: Peak

    @property
    def rate(self) -> float:
        return self.files / self.seconds


def measure() -> Report:
    small, large = photos.folder(SMALL, LARGE)
    for photo in large.rglob("*.jpg"):
        photo.read_bytes()  # so that both commands read from the page cache
    with sandbox.empty_library() as library:
        small_baseline, small_run = run_baseline(library, small, SMALL), run_import(library, small, SMALL, owner="few")
        rounds = [
            (run_baseline(library, large, LARGE), run_import(library, large, LARGE, owner=f"round-{number}"))
            for number in range(ROUNDS)
        ]
    return report(small_run, small_baseline, rounds)


def report(small_run: Run, small_baseline: Run, rounds: Sequence[tuple[Run, Run]]) -> Report:
    # Compared in pairs, since the load of the machine may change from round to round.
    median_round = sorted(rounds, key=lambda pair: pair[1].rate / pair[0].rate)[len(rounds) // 2]
    large_baseline, large_run = median_round
    peak, baseline_peak = (max(pair[side].peak.largest for pair in rounds) for side in (1, 0))
    measurements = [
        Measurement(
            name=f"import of {LARGE} pictures",
            value=large_run.rate,
            unit="/s",
            baseline=large_baseline.rate,
            at_least_ratio=0.7,
        ),
        Measurement(
            name="processor time per picture",
            value=per_picture(large_run),
            unit="ms",
            baseline=per_picture(large_baseline),
        ),
        Measurement(
            name=f"largest process, {LARGE} pictures", value=peak, unit="MB", baseline=baseline_peak, at_most=600
        ),
        Measurement(
            name=f"largest process, {SMALL} pictures",
            value=small_run.peak.largest,
            unit="MB",
            baseline=small_baseline.peak.largest,
        ),
        Measurement(
            name=f"growth from {SMALL} to {LARGE}",
            value=100 * (peak / small_run.peak.largest - 1),
            unit="%",
            at_most=10,
        ),
    ]
    ratios = " ".join(f"{run.rate / baseline.rate:.2f}" for baseline, run in rounds)
    notes = [
        f"Median of {ROUNDS} rounds (ratios {ratios}); each from the start of the interpreter until it exits.",
        "Processes of import_images: "
        + ", ".join(f"{megabytes:.0f} MB" for megabytes in large_run.peak.by_process.values()),
    ]
    return Report("import_images of 12-megapixel JPEGs against a pool that only renders", measurements, notes)


def per_picture(run: Run) -> float:
    """Processor time in milliseconds."""
    return 1000 * run.processor / run.files


def run_import(library: sandbox.Library, folder: Path, files: int, *, owner: str) -> Run:
    library.add_user(owner)
    run = timed(["manage.py", "import_images", str(folder), "--owner", owner], files, library.var)
    renditions = sum(1 for path in (library.var / "pictures" / "renditions").rglob("*") if path.is_file())
    if renditions != 2 * files:
        raise RuntimeError(f"{files} pictures have {renditions} renditions instead of {2 * files}.")
    shutil.rmtree(library.var / "pictures")
    return run


def run_baseline(library: sandbox.Library, folder: Path, files: int) -> Run:
    out = library.var / "baseline"
    out.mkdir()
    run = timed(["-m", "bench.ingest_baseline", str(folder), str(out)], files, library.var)
    if len(list(out.iterdir())) != 2 * files:
        raise RuntimeError(f"The baseline made {len(list(out.iterdir()))} renditions of {files} pictures.")
    shutil.rmtree(out)
    return run


def timed(arguments: list[str], files: int, var: Path) -> Run:
    peak, processor, began = Peak(), children_processor_seconds(), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=sandbox.ROOT,
        env=sandbox.environment(var),
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        peak.watch(process, seconds=LIMIT)
        seconds = time.monotonic() - began
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments[:2])} failed with status {process.returncode}.")
    return Run(files, seconds, children_processor_seconds() - processor, peak)


if __name__ == "__main__":
    print(measure().to_json())
