"""Peak memory and processor time of processes, as Linux counts them in /proc."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
# The kernel records a process's peak (VmHWM), so polling only misses its last 50 ms.
POLL_SECONDS = 0.05


@dataclass
class Peak:
    """Largest resident set of each process of a tree, in MB by process id."""

    by_process: dict[int, float] = field(default_factory=dict)

    @property
    def largest(self) -> float:
        return max(self.by_process.values(), default=0.0)

    def watch(self, process: subprocess.Popen[str], *, seconds: float) -> None:
        """Poll until the process has ended. Raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + seconds
        while process.poll() is None:
            for pid in [process.pid, *descendants(process.pid)]:
                self.by_process[pid] = max(self.by_process.get(pid, 0.0), peak_memory(pid))
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(process.args, seconds)
            time.sleep(POLL_SECONDS)


def descendants(pid: int) -> list[int]:
    children = defaultdict(list)
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            children[parent(int(stat.parent.name))].append(int(stat.parent.name))
        except (OSError, IndexError):
            continue  # it has ended since the glob
    pids = list(children[pid])
    for child in pids:  # the list grows during iteration, as children of children are appended
        pids += children[child]
    return pids


def peak_memory(pid: int) -> float:
    """Largest resident set in MB; 0 for a process that has ended."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0.0
    line = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(line[1]) / 1024 if line else 0.0


def processor_seconds(pid: int) -> float:
    """Processor seconds of a process and of its running and waited-for descendants."""
    return sum(_ticks(process) for process in [pid, *descendants(pid)]) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    """Processor time in clock ticks; 0 for a process that has ended."""
    try:
        # utime, stime, cutime and cstime: fields 14 to 17 in proc(5), which are 12 to 15 after the name.
        return sum(int(field) for field in _stat(pid)[11:15])
    except OSError:
        return 0


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    """Fields after the process name, from the state on. Raises OSError.

    The name is in parentheses and may contain spaces and parentheses itself, so the last one ends it.
    """
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def children_processor_seconds() -> float:
    """Processor seconds of all waited-for descendants, without detached servers.

    Unlike wall-clock time, it hardly depends on the load of the machine.
    """
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
