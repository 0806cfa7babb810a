"""From `import_images` to finished renditions, without recognition, against a bare loop that only renders."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import photos, sandbox
from bench.process_usage import Peak, processor_of_children
from bench.report import Measurement, Report

FEW, MANY = 50, 200
ROUNDS = 3
LIMIT = 120.0  # seconds for one command


@dataclass(frozen=True)
class Run:
    """One command from its start to its end."""

    files: int
    seconds: float
    processor: float  # seconds on all cores, without the embedded servers
    peak: Peak

    @property
    def rate(self) -> float:
        return self.files / self.seconds


def measure() -> Report:
    small, large = photos.folder(FEW, MANY)
    for photo in large.rglob("*.jpg"):
        photo.read_bytes()  # both find them in the system's cache
    with sandbox.library() as library:
        bare_few, few = bare(library, small, FEW), ours(library, small, FEW, owner="few")
        rounds = [
            (bare(library, large, MANY), ours(library, large, MANY, owner=f"round-{number}"))
            for number in range(ROUNDS)
        ]
    return report(few, bare_few, rounds)


def report(few: Run, bare_few: Run, rounds: Sequence[tuple[Run, Run]]) -> Report:
    # Both commands of a round meet the same machine; other rounds may not.
    round_of_median = sorted(rounds, key=lambda pair: pair[1].rate / pair[0].rate)[len(rounds) // 2]
    bare_many, many = round_of_median
    peak, bare_peak = (max(pair[side].peak.largest for pair in rounds) for side in (1, 0))
    figures = [
        Measurement(
            what=f"import of {MANY} pictures", ours=many.rate, unit="/s", rival=bare_many.rate, at_least_ratio=0.7
        ),
        Measurement(what="processor time a picture", ours=per_picture(many), unit="ms", rival=per_picture(bare_many)),
        Measurement(what=f"largest process, {MANY} pictures", ours=peak, unit="MB", rival=bare_peak, at_most=600),
        Measurement(
            what=f"largest process, {FEW} pictures", ours=few.peak.largest, unit="MB", rival=bare_few.peak.largest
        ),
        Measurement(
            what=f"growth from {FEW} to {MANY}", ours=100 * (peak / few.peak.largest - 1), unit="%", at_most=10
        ),
    ]
    ratios = " ".join(f"{run.rate / against.rate:.2f}" for against, run in rounds)
    notes = [
        f"Median of {ROUNDS} rounds (ratios {ratios}); each a whole command, the start of its interpreter included.",
        "Processes of ours: " + ", ".join(f"{megabytes:.0f} MB" for megabytes in many.peak.by_process.values()),
    ]
    return Report("import_images against a bare loop over JPEGs of 12 megapixels", figures, notes)


def per_picture(run: Run) -> float:
    """Milliseconds of processor time."""
    return 1000 * run.processor / run.files


def ours(library: sandbox.Library, folder: Path, files: int, *, owner: str) -> Run:
    library.add_person(owner)
    run = timed(["manage.py", "import_images", str(folder), "--owner", owner], files, library.var)
    renditions = sum(1 for path in (library.var / "pictures" / "renditions").rglob("*") if path.is_file())
    if renditions != 2 * files:
        raise RuntimeError(f"{files} pictures have {renditions} renditions.")
    shutil.rmtree(library.var / "pictures")
    return run


def bare(library: sandbox.Library, folder: Path, files: int) -> Run:
    out = library.var / "bare"
    out.mkdir()
    run = timed(["-m", "bench.ingest_baseline", str(folder), str(out)], files, library.var)
    if len(list(out.iterdir())) != 2 * files:
        raise RuntimeError(f"The bare loop made {len(list(out.iterdir()))} renditions of {files} pictures.")
    shutil.rmtree(out)
    return run


def timed(words: list[str], files: int, var: Path) -> Run:
    peak, processor, began = Peak(), processor_of_children(), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *words],
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
        raise RuntimeError(f"{' '.join(words[:2])} ended with status {process.returncode}.")
    return Run(files, seconds, processor_of_children() - processor, peak)


if __name__ == "__main__":
    print(measure().to_json())
