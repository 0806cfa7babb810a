"""Process manager: starts several programs, watches them and stops them in order."""

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

POLL_SECONDS = 0.1


class ProgramExited(RuntimeError):
    """A program exited unexpectedly; the message contains the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    module: str  # as in `python -m`
    arguments: Sequence[str]
    log: Path
    keep: Sequence[int] = ()  # descriptors it inherits


class ProcessManager:
    def __init__(self, *, folder: Path, stop_seconds: float) -> None:
        self._folder = folder
        self._stop_seconds = stop_seconds
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []

    def start(self, program: Program) -> None:
        with open_log(program.log) as log:
            process = subprocess.Popen(
                [*_parent_death_command(), sys.executable, "-m", program.module, *program.arguments],
                cwd=self._folder,
                # Otherwise the last output of a killed program would be lost in its buffer.
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=program.keep,
                start_new_session=True,  # Ctrl-C must reach only this process, which stops the programs in order
            )
        self._running.append((program, process))

    def watch(self, *, until: Callable[[], bool]) -> None:
        """Wait until `until` returns True. Raises ProgramExited if a program exits first."""
        while True:
            for program, process in self._running:
                if (status := process.poll()) is not None:
                    raise ProgramExited(
                        f"The {program.name} exited ({_describe(status)}). "
                        f"The end of {program.log}:\n{tail(program.log)}"
                    )
            if until():
                return
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Terminate the programs in start order, and kill those that exceed the time."""
        deadline = time.monotonic() + self._stop_seconds
        try:
            for _program, process in self._running:
                process.terminate()
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            pass
        finally:
            self._kill()

    def _kill(self) -> None:
        # Kills the whole session, since a killed program leaves its children running.
        for _program, process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def process_manager(*, folder: Path, stop_seconds: float = 10.0) -> Iterator[ProcessManager]:
    """Context in which programs run; stops them at its end, within `stop_seconds`."""
    manager = ProcessManager(folder=folder, stop_seconds=stop_seconds)
    try:
        yield manager
    finally:
        manager.stop()


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM and SIGHUP as well.

    SIGINT is set, too, since shells start background programs with it ignored. SIGHUP stays ignored under nohup.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    previous = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)


def _describe(status: int) -> str:
    return f"status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"


def _parent_death_command() -> list[str]:
    """Command prefix that makes Linux terminate a program if this process is killed."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    # Tried, since an older setpriv lacks the option.
    works = subprocess.run([setpriv, "--pdeathsig", "TERM", "true"], check=False, capture_output=True).returncode == 0
    return [setpriv, "--pdeathsig", "TERM"] if works else []
