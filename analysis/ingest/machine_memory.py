"""Memory for decoding that all processes of a machine share, by locks on files.

The memory is divided into units, each with a file; the holder of the file's lock holds the unit. The kernel releases
the locks of a process that dies, so nothing has to be cleaned up. flock is used, since fcntl's locks belong to a
process: all threads of a server would hold them.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

UNITS = 128
POLL_SECONDS = 0.02


@contextmanager
def reserved(needed: int, *, total: int, folder: Path | None) -> Iterator[None]:
    """Reserve `needed` bytes, or all `total` bytes if they are fewer, for the block.

    Waits until they are free. Without a folder, or if its files cannot be locked, there is no common limit.
    """
    with ExitStack() as held:
        try:
            if folder is not None:
                _acquire(units_for(needed, total=total), folder, held)
        except OSError as error:  # another user's files, or a file system without locks
            held.close()
            logger.warning("The memory limit for decoding applies to each process separately: %s", error)
        yield


def units_for(needed: int, *, total: int) -> int:
    return min(UNITS, max(1, -(-needed * UNITS // total)))


def _acquire(count: int, folder: Path, held: ExitStack) -> None:
    """Lock `count` units. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Only one process collects units at a time, so that large pictures are not starved and two do not block each other.
    with ExitStack() as turn:
        fcntl.flock(_open(folder / "turn", turn), fcntl.LOCK_EX)
        units = [folder / f"unit{number}" for number in range(UNITS)]
        while True:
            for path in units[:]:
                if _try_lock(path, held):
                    units.remove(path)
                    count -= 1
                if not count:
                    return
            # Polled, since flock cannot wait for whichever of several files is unlocked first.
            time.sleep(POLL_SECONDS)


def _try_lock(path: Path, held: ExitStack) -> bool:
    with ExitStack() as opened:
        try:
            fcntl.flock(_open(path, opened), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        held.enter_context(opened.pop_all())
    return True


def _open(path: Path, stack: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, descriptor)
    return descriptor
