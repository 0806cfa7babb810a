"""What the processes of a command took: memory at most, from Linux's own account of it, and processor time."""

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
GLANCE = 0.05  # seconds between two looks; the kernel keeps the peak, so only a process' last 50 ms go unseen


@dataclass
class Peak:
    """The largest resident set each process of a tree ever had, in MB, by process id."""

    by_process: dict[int, float] = field(default_factory=dict)

    @property
    def largest(self) -> float:
        return max(self.by_process.values(), default=0.0)

    def watch(self, process: subprocess.Popen[str], *, seconds: float) -> None:
        """Until the process has ended. Raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + seconds
        while process.poll() is None:
            for pid in [process.pid, *descendants(process.pid)]:
                self.by_process[pid] = max(self.by_process.get(pid, 0.0), high_water(pid))
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(process.args, seconds)
            time.sleep(GLANCE)


def descendants(pid: int) -> list[int]:
    children = defaultdict(list)
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            children[parent(int(stat.parent.name))].append(int(stat.parent.name))
        except (OSError, IndexError):
            continue  # ended meanwhile
    found = list(children[pid])
    for each in found:
        found += children[each]
    return found


def high_water(pid: int) -> float:
    """MB; 0 for one that has ended."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0.0
    line = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(line[1]) / 1024 if line else 0.0


def processor(pid: int) -> float:
    """Seconds on all cores of a process, those below it, and those of them that have ended and were waited for."""
    return sum(_processor(each) for each in [pid, *descendants(pid)]) / os.sysconf("SC_CLK_TCK")


def _processor(pid: int) -> int:
    """Ticks; 0 for one that has ended."""
    try:
        # utime, stime, cutime, cstime: words 12 to 15 after the name.
        return sum(int(word) for word in _stat(pid)[11:15])
    except OSError:
        return 0


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    """What follows the name, which is in parentheses and may hold anything: state, parent, … Raises OSError."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def processor_of_children() -> float:
    """Seconds on all cores of every child and grandchild that has ended and was waited for: no detached servers.

    Unlike the wall's, this time hardly depends on what else the machine does.
    """
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
