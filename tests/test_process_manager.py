"""The process manager, with small programs that log their signals."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagelib.process_manager import Program, ProgramExited, process_manager
from tests.process_helpers import IGNORING, limited

ROOT = Path(__file__).resolve().parent.parent
# Records its start, ends on a signal; "deaf" only records the signal, "crowd" has a child that does the same.
PROGRAM = """
import os, signal, sys, time
name, *kinds = sys.argv[1:]
def note(word):
    with open("notes", "a") as notes:
        notes.write(f"{name} {word}\\n")
def told(*_):
    note("told")
    if "deaf" not in kinds:
        sys.exit()
signal.signal(signal.SIGTERM, told)
if "crowd" in kinds and os.fork() == 0:
    name = "child"
note(f"is {os.getpid()}")
while True:
    time.sleep(60)
"""
SUPERVISOR = """
import sys
from pathlib import Path
from imagelib.process_manager import Program, ended_by_signal, process_manager
folder = Path(sys.argv[1])
try:
    with ended_by_signal(), process_manager(folder=folder, stop_seconds=float(sys.argv[2])) as manager:
        for words in sys.argv[3:]:
            manager.start(Program(name="x", module="program", arguments=words.split(), log=folder / "log"))
        manager.watch(until=lambda: False)
except KeyboardInterrupt:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "notes").touch()
    return tmp_path


@pytest.fixture
def supervise(folder: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    with ExitStack() as stack:

        def start(*programs: str, stop_seconds: float, prefix: Sequence[str] = ()) -> subprocess.Popen:
            command = [*prefix, sys.executable, "-c", SUPERVISOR, str(folder), str(stop_seconds), *programs]
            process = subprocess.Popen(command, cwd=ROOT)
            stack.enter_context(limited(process))
            stack.callback(process.kill)
            return process

        yield start


def notes(folder: Path, *, until: Callable[[list[str]], bool]) -> list[str]:
    deadline = time.monotonic() + 20
    while not until(lines := (folder / "notes").read_text().splitlines()):
        assert time.monotonic() < deadline, lines
        os.sched_yield()
    return lines


def pids(folder: Path, *, count: int) -> list[int]:
    """Process ids of the programs, once this number have started."""

    def started(lines: list[str]) -> list[str]:
        return [line for line in lines if " is " in line]

    return [int(line.split()[-1]) for line in started(notes(folder, until=lambda lines: len(started(lines)) == count))]


def is_alive(pid: int) -> bool:
    """Zombies, which an idle init leaves, are dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_they_end_in_the_order_they_were_started(folder: Path, supervise) -> None:
    supervisor = supervise("first", "second", "third", stop_seconds=20)
    started = pids(folder, count=3)
    supervisor.terminate()
    assert supervisor.wait() == 0
    notes = [line for line in (folder / "notes").read_text().splitlines() if line.endswith("told")]
    assert notes == ["first told", "second told", "third told"]
    assert not any(map(is_alive, started))


def test_who_does_not_end_in_time_is_killed_with_its_children(folder: Path, supervise) -> None:
    supervisor = supervise("deaf deaf crowd", stop_seconds=0.1)
    started = pids(folder, count=2)
    supervisor.terminate()
    assert supervisor.wait() == 0
    assert (folder / "notes").read_text().endswith("deaf told\n")
    deadline = time.monotonic() + 20
    while any(map(is_alive, started)):  # the child is killed, but nobody of ours can wait for it
        assert time.monotonic() < deadline
        os.sched_yield()


def all_end(processes) -> bool:
    """Killed processes end a moment after their killer, later on a busy machine."""
    deadline = time.monotonic() + 10
    while any(map(is_alive, processes)):
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.02)
    return True


def test_a_second_ctrl_c_kills_at_once(folder: Path, supervise) -> None:
    supervisor = supervise("deaf deaf", stop_seconds=3600)
    started = pids(folder, count=1)
    supervisor.send_signal(signal.SIGINT)
    notes(folder, until=lambda lines: lines[-1] == "deaf told")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(timeout=20) == 0
    assert all_end(started)


def test_ctrl_c_arrives_where_it_was_ignored_before(folder: Path, supervise) -> None:
    supervisor = supervise("deaf deaf", stop_seconds=3600, prefix=IGNORING)
    started = pids(folder, count=1)
    supervisor.send_signal(signal.SIGINT)
    notes(folder, until=lambda lines: lines[-1] == "deaf told")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(timeout=20) == 0
    assert all_end(started)


def test_a_closed_terminal_does_not_end_what_nohup_started(folder: Path, supervise) -> None:
    supervisor = supervise("first", stop_seconds=20, prefix=IGNORING)
    pids(folder, count=1)
    supervisor.send_signal(signal.SIGHUP)
    assert supervisor.poll() is None
    supervisor.terminate()
    assert supervisor.wait() == 0


@pytest.mark.skipif(not shutil.which("setpriv"), reason="without setpriv a killed supervisor leaves its programs")
def test_they_are_told_to_end_when_the_supervisor_is_killed(folder: Path, supervise) -> None:
    supervisor = supervise("first", stop_seconds=20)
    pids(folder, count=1)
    supervisor.kill()
    notes(folder, until=lambda lines: lines[-1] == "first told")


def test_one_that_ends_by_itself_is_reported_with_its_log(folder: Path) -> None:
    (folder / "broken.py").write_text("import sys; print(*range(20), sep='\\n', flush=True); sys.exit(3)")
    broken = Program(name="web", module="broken", arguments=[], log=folder / "log" / "web.log")
    with process_manager(folder=folder) as manager:
        manager.start(broken)
        with pytest.raises(ProgramExited) as ended:
            manager.watch(until=lambda: False)
    first, *log = str(ended.value).splitlines()
    assert first == f"The web exited (status 3). The end of {folder}/log/web.log:"
    assert log == [f"  {number}" for number in range(8, 20)]
