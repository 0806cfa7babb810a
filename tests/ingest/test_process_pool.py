"""Parallel examination: in order, few at a time, isolated crashes."""

import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest

from analysis.ingest.process_pool import examine_all
from analysis.ingest.validation import InvalidImage, Limits
from tests import pictures


@pytest.fixture
def files(tmp_path) -> list[Path]:
    paths = [tmp_path / f"{number}.jpg" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(pictures.text_as_jpg() if number == 3 else pictures.jpeg(seed=number))
    return paths


def test_outcomes_come_in_order_with_refusals_among_them(files):
    missing = InvalidImage("unreadable", "a folder", "the folder cannot be read")
    outcomes = list(examine_all([*files[:2], missing, *files[2:]], limits=Limits(), processes=2))
    assert [outcome.path for outcome in outcomes if outcome.path] == files
    assert [outcome.examined.filename for outcome in outcomes if outcome.examined] == [
        "0.jpg",
        "1.jpg",
        "2.jpg",
        "4.jpg",
        "5.jpg",
    ]
    assert {outcome.refusal.code for outcome in outcomes if outcome.refusal} == {"unreadable", "not-an-image"}


def test_only_a_few_files_are_examined_ahead(files):
    consumed = []

    def sources():
        for path in files:
            consumed.append(path)
            yield path

    outcomes = examine_all(sources(), limits=Limits(), processes=1)
    next(outcomes)
    assert len(consumed) == 3
    outcomes.close()


def test_a_process_that_dies_costs_no_innocent_file(files):
    """Processes killed from outside, as by the kernel, examine again."""
    outcomes = examine_all(files, limits=Limits(), processes=1)
    first = next(outcomes)
    for pid in _children():
        os.kill(pid, signal.SIGKILL)
    rest = list(outcomes)
    assert [outcome.path for outcome in (first, *rest)] == files
    assert sum(outcome.examined is not None for outcome in (first, *rest)) == 5


def test_a_file_that_crashes_every_process_is_refused(files):
    """Each decoder process dies, as with a hostile file."""
    over = threading.Event()

    def reap():
        while not over.is_set():
            for pid in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    reaper = threading.Thread(target=reap)
    reaper.start()
    try:
        outcomes = list(examine_all(files[:1], limits=Limits(), processes=1))
    finally:
        over.set()
        reaper.join()
    assert [str(outcome.refusal) for outcome in outcomes] == [
        "0.jpg: its decoder crashed; the file is damaged or malicious"
    ]


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    pids = [int(pid) for task in tasks.iterdir() for pid in _read(task / "children").split()]
    return [pid for pid in pids if b"analysis.ingest.decoding_process" in _read(Path(f"/proc/{pid}/cmdline"))]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # its thread or process is gone already
        return b""
