"""A few programs kept running side by side: started together, watched, and stopped in order."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imagelib.embedded.server import open_log, tail

BEAT = 0.1  # seconds between two looks


class ProgramExited(RuntimeError):
    """A program ended although nobody told it to; says which, how, and what its log says."""


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    module: str  # as in `python -m`
    arguments: Sequence[str]
    log: Path
    keep: Sequence[int] = ()  # descriptors it inherits


class ProcessManager:
    """Programs that run together."""

    def __init__(self, *, folder: Path, farewell: float) -> None:
        self._folder = folder
        self._farewell = farewell
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []

    def start(self, program: Program) -> None:
        with open_log(program.log) as log:
            process = subprocess.Popen(
                [*_follow_into_death(), sys.executable, "-m", program.module, *program.arguments],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=program.keep,
                start_new_session=True,  # Ctrl-C is for us alone; we stop them in order
            )
        self._running.append((program, process))

    def watch(self, *, until: Callable[[], bool]) -> None:
        """Returns as soon as `until` says so. Raises Ended."""
        while True:
            for program, process in self._running:
                if (status := process.poll()) is not None:
                    raise ProgramExited(
                        f"The {program.name} ended ({_how(status)}). {program.log} says:\n{tail(program.log)}"
                    )
            if until():
                return
            time.sleep(BEAT)

    def stop(self) -> None:
        """Asks one after another to end, in the order they were started; kills who has not in time."""
        deadline = time.monotonic() + self._farewell
        try:
            for _, process in self._running:
                process.terminate()
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            pass
        finally:
            self._kill()

    def _kill(self) -> None:
        """Kills whole sessions, since a program that was killed leaves its children behind."""
        for _, process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def process_manager(*, folder: Path, farewell: float = 10.0) -> Iterator[ProcessManager]:
    """Programs that run in `folder` and end with the block; together they have `farewell` seconds for it."""
    together = ProcessManager(folder=folder, farewell=farewell)
    try:
        yield together
    finally:
        together.stop()


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """A kill and a closed terminal end us like Ctrl-C does. Ctrl-C itself is named, since a program that is started in
    the background finds it ignored, and would have no end but being killed. nohup's wish is granted."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _how(status: int) -> str:
    return f"status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"


def _follow_into_death() -> list[str]:
    """On Linux a program is told to end when we are killed without a chance to tell it."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    works = subprocess.run([setpriv, "--pdeathsig", "TERM", "true"], check=False, capture_output=True).returncode == 0
    return [setpriv, "--pdeathsig", "TERM"] if works else []
