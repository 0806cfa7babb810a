"""Real programs in tests: every wait is bounded and no process outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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
