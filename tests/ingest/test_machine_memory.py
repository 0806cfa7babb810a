"""Memory for decoding is bounded once for all processes of a machine."""

import subprocess
import sys
import threading
from contextlib import ExitStack
from io import BytesIO

import pytest

from analysis.ingest import decoding_service, machine_memory
from analysis.ingest.machine_memory import UNITS, reserved, units_for
from analysis.ingest.validation import Limits
from analysis.storage import renditions
from tests import pictures

HOLD = """
import sys
from pathlib import Path
from analysis.ingest.machine_memory import reserved
with reserved(int(sys.argv[1]), total=100, folder=Path(sys.argv[2])):
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held_elsewhere(tmp_path):
    """A process that holds a part of the budget until it is ended: held_elsewhere(60)."""
    with ExitStack() as ended:

        def hold(needed: int) -> subprocess.Popen:
            command = [sys.executable, "-c", HOLD, str(needed), str(tmp_path)]
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            ended.enter_context(child)
            ended.callback(child.kill)
            assert child.stdout.readline() == b"holds\n"
            return child

        yield hold


class Waiter:
    """Reserves in a thread, until `leave`."""

    def __init__(self, needed: int, folder) -> None:
        self.has_entered, self.leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(needed, folder))
        self._thread.start()

    def _run(self, needed: int, folder) -> None:
        with reserved(needed, total=100, folder=folder):
            self.has_entered.set()
            self.leave.wait(30)

    def end(self) -> None:
        self.leave.set()
        self._thread.join(30)


@pytest.mark.parametrize("is_killed", [True, False])
def test_processes_share_the_budget(tmp_path, held_elsewhere, is_killed):
    other = held_elsewhere(60)
    with reserved(30, total=100, folder=tmp_path):
        pass
    waiter = Waiter(60, tmp_path)
    assert not waiter.has_entered.wait(0.2)
    if is_killed:
        other.kill()
    else:
        other.stdin.close()
    assert waiter.has_entered.wait(30)
    waiter.end()


def test_threads_of_a_process_share_it_too(tmp_path):
    first = Waiter(60, tmp_path)
    assert first.has_entered.wait(30)
    second = Waiter(60, tmp_path)
    assert not second.has_entered.wait(0.1)
    first.end()
    assert second.has_entered.wait(30)
    second.end()


def test_small_needs_do_not_overtake_a_large_one_for_ever(tmp_path):
    first = Waiter(30, tmp_path)
    assert first.has_entered.wait(30)
    large = Waiter(80, tmp_path)
    while not (tmp_path / f"unit{UNITS - 1}").exists():  # it collects
        assert not large.has_entered.is_set()
    small = Waiter(10, tmp_path)
    assert not small.has_entered.wait(0.1)
    first.end()
    assert large.has_entered.wait(30)
    assert small.has_entered.wait(30)
    large.end()
    small.end()


@pytest.mark.parametrize(("needed", "units"), [(0, 1), (1, 2), (100, UNITS), (50, UNITS // 2), (10**9, UNITS)])
def test_needs_are_rounded_up_to_units(needed, units):
    assert units_for(needed, total=100) == units


def test_without_a_usable_folder_decoding_goes_on(tmp_path, caplog):
    (tmp_path / "file").touch()
    with reserved(50, total=100, folder=tmp_path / "file" / "no folder"):
        pass
    assert "applies to each process separately" in caplog.text
    with reserved(50, total=100, folder=None):
        pass


def test_decoders_wait_for_the_budget(tmp_path, held_elsewhere):
    other = held_elsewhere(100)
    results = []
    limits = Limits(memory_folder=tmp_path)
    source = BytesIO(pictures.jpeg())
    decoding = threading.Thread(
        target=lambda: results.append(decoding_service.examine(source, name="a.jpg", limits=limits).format)
    )
    decoding.start()
    while not machine_memory_is_waited_for(tmp_path):
        assert decoding.is_alive()
    assert results == []
    other.kill()
    decoding.join(30)
    assert results == ["jpeg"]


def machine_memory_is_waited_for(folder) -> bool:
    """True while someone collects units."""
    with ExitStack() as opened:
        return not machine_memory._try_lock(folder / "turn", opened)


def test_settings_name_one_folder_for_all_processes(settings):
    assert renditions.limits().memory_folder == settings.VAR / "decoding"
