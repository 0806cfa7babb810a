"""Real programs in tests: every wait is bounded and no process outlives its test."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LIMIT = 300  # seconds; far more than any of them takes
# As a shell without job control and `nohup` start a program: these signals arrive ignored.
IGNORING = ["/bin/sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh"]


@contextmanager
def limited(process: subprocess.Popen, *, seconds: float = LIMIT) -> Iterator[subprocess.Popen]:
    """Kill the process after a time limit, with its session if it leads one."""
    timer = threading.Timer(seconds, _kill, [process])
    timer.daemon = True
    timer.start()
    try:
        with process:
            yield process
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen) -> None:
    with suppress(ProcessLookupError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


@contextmanager
def one_more_file() -> Iterator[None]:
    """Let this process open one more file, which is too few to start a program."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest, opened = max(int(path.name) for path in Path("/dev/fd").iterdir()), [os.open(os.devnull, os.O_RDONLY)]
    while opened[-1] < highest:  # leaves no unused number below
        opened.append(os.open(os.devnull, os.O_RDONLY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(opened[-1], highest) + 2, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for number in opened:
            os.close(number)
