"""Memory, processor time and connections of the servers while people browse."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psycopg

from bench.process_usage import descendants, processor_seconds

SAMPLE_SECONDS = 3.0
WINDOW = 20.0  # seconds over which the median is taken, since single samples vary with the requests at that moment
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()"


@dataclass
class Usage:
    """Samples of the web processes' memory, and processor seconds by server."""

    memory: list[tuple[float, float]] = field(default_factory=list)  # seconds since the start, MB
    connections: int = 0  # most at the same time, without the bench's own
    processor: dict[str, float] = field(default_factory=dict)

    def memory_at(self, seconds: float) -> float:
        """The median MB of the samples in the WINDOW before this moment."""
        near = [megabytes for moment, megabytes in self.memory if seconds - WINDOW <= moment <= seconds]
        return median(near or [self.memory[-1][1]])


class Sampler:
    def __init__(self, connection: psycopg.Connection, *, web: int, servers: Mapping[str, int]) -> None:
        self.usage = Usage()
        self._connection, self._web, self._servers = connection, web, servers
        self._began = time.monotonic()
        self._processor = self._processor_seconds()

    def sample(self) -> None:
        memory = sum(proportional_memory(pid) for pid in [self._web, *descendants(self._web)])
        self.usage.memory.append((time.monotonic() - self._began, memory))
        row = self._connection.execute(CONNECTIONS).fetchone()
        self.usage.connections = max(self.usage.connections, int(row[0]) if row else 0)

    def end(self) -> Usage:
        self.sample()
        now = self._processor_seconds()
        self.usage.processor = {name: now[name] - before for name, before in self._processor.items()}
        return self.usage

    def _processor_seconds(self) -> dict[str, float]:
        return {name: processor_seconds(pid) for name, pid in self._servers.items()}


def proportional_memory(pid: int) -> float:
    """Proportional resident MB (shared pages divided); 0 for an ended process."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def server_of(connection: psycopg.Connection) -> int:
    """Process id of the PostgreSQL server behind this connection."""
    stat = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])
