"""The read replica of searches, used while it responds and its lag is small."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from threading import Lock
from time import monotonic
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, Error, connections

from analysis.findings import first_line

logger = logging.getLogger(__name__)

REPLICA = "replica"
MAX_LAG = 10.0
"""Maximum lag of the replica in seconds."""
CHECK_SECONDS = 2.0
"""Seconds between two checks of a process."""
CONNECT_SECONDS = 2
STATEMENT_SECONDS = 2
PRIMARY_SECONDS = 20
"""Seconds for which a user's searches read the primary database after a change; longer than MAX_LAG, the interval and
the duration of a check.
"""


class ReplicaState(Enum):
    """USABLE, or the reason why searches read the primary database."""

    USABLE = auto()
    BEHIND = auto()
    UNREACHABLE = auto()
    NO_STANDBY = auto()  # a different database, which may have other rows


@dataclass(frozen=True)
class ReplicaStatus:
    state: ReplicaState
    error: str = ""


class ReplicaMonitor:
    """Checks the replica every few seconds, when a search would use it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.status = ReplicaStatus(ReplicaState.BEHIND)
        self._clock, self._lock, self._next_check = clock, Lock(), float("-inf")
        # Times at which the primary database's log had a position. The replica alone cannot tell its lag: without new
        # transactions its last one gets old, and after losing its connection it reports that it has replayed
        # everything.
        self._positions: deque[tuple[float, int]] = deque(maxlen=round(MAX_LAG / CHECK_SECONDS) + 2)

    def is_usable(self) -> bool:
        # One thread checks; the others use the last result instead of waiting for a server that may not respond.
        if self._clock() >= self._next_check and self._lock.acquire(blocking=False):
            try:
                self._set(self.check())
                self._next_check = self._clock() + CHECK_SECONDS
            finally:
                self._lock.release()
        return self.status.state is ReplicaState.USABLE

    def mark_failed(self, error: BaseException) -> None:
        """Stop using the replica after a failed search, until the next check."""
        self._set(ReplicaStatus(ReplicaState.UNREACHABLE, error=first_line(error)))
        self._next_check = self._clock() + CHECK_SECONDS

    def check(self) -> ReplicaStatus:
        try:
            # The primary first: a position read after the replica's would make it seem behind.
            self._positions.append((self._clock(), _written()))
            replayed = _replayed()
        except (Error, psycopg.Error) as error:
            return ReplicaStatus(ReplicaState.UNREACHABLE, error=first_line(error))
        if replayed is None:
            return ReplicaStatus(ReplicaState.NO_STANDBY)
        newest = self._positions[-1][0]
        moment = next((moment for moment, position in reversed(self._positions) if position <= replayed), None)
        if moment is None or newest - moment > MAX_LAG:
            return ReplicaStatus(ReplicaState.BEHIND)
        return ReplicaStatus(ReplicaState.USABLE)

    def _set(self, status: ReplicaStatus) -> None:
        if status.state is not self.status.state:
            level = logging.INFO if status.state is ReplicaState.USABLE else logging.WARNING
            logger.log(level, "Read replica: %s %s", status.state.name.lower(), status.error)
        self.status = status


monitor = ReplicaMonitor()


def is_configured() -> bool:
    return REPLICA in connections.settings


def _written() -> int:
    """The position of the primary database's log, in bytes."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT (pg_current_wal_lsn() - '0/0')::bigint")
        return int(cursor.fetchone()[0])


def _replayed() -> int | None:
    """The log position that the replica has replayed; None if it is not a standby."""
    # A separate connection: waiting for one from the pool takes as long as a page may.
    parameters: dict[str, Any] = connections[REPLICA].get_connection_params()
    with psycopg.connect(**parameters | {"connect_timeout": CONNECT_SECONDS}) as own:
        own.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        row = own.execute("SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint, pg_is_in_recovery()").fetchone()
    return int(row[0]) if row and row[0] is not None and row[1] else None
