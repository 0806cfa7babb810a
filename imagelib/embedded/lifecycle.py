"""Start and stop of the embedded servers, which run while any process uses them.

Every process holds a shared lock while it lives; the kernel releases it even if the process is killed. A process that
exits and can take the lock exclusively was the last one, and stops the servers. A second lock serializes starts and
stops.
"""

import atexit
import fcntl
import os
import shutil
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.messages import gettext_noop
from imagelib.embedded import postgres, redis
from imagelib.embedded.server import ServerStartError, runtime_folder, take_lock
from imagelib.private_files import make_folder, private_folder

SERVICES = {"postgres": postgres, "redis": redis}

# Keyed by process id, too: a forked child inherits the parent's entry, but counts only once it calls start itself.
_locks: dict[tuple[int, Path], int] = {}


def start(var: Path, *, services: Collection[str] = frozenset(SERVICES)) -> None:
    """Start the services and wait until they respond.

    They run at least until this process exits or calls `leave`. Safe to call again. Raises ServerStartError.
    """
    if not services:
        return
    var = var.resolve()
    try:
        make_folder(var)
        private_folder(var / "run")
        with _state_lock(var):
            _enter(var)
            for service in sorted(services):
                SERVICES[service].start(var)
    except OSError as error:
        message = gettext_noop("The embedded servers cannot use %(path)s: %(error)s.")
        raise ServerStartError(message, path=error.filename or var, error=error.strerror) from error


def leave(var: Path) -> None:
    """Stop the servers if no other process uses them."""
    var = var.resolve()
    lock = _locks.pop((os.getpid(), var), None)
    if lock is None:
        return
    with _ignored_signals(), _state_lock(var):
        os.close(lock)
        _stop_if_unused(var)


def remove(var: Path) -> None:
    """Delete all data of the servers. Raises ServerStartError if they are in use."""
    var = var.resolve()
    leave(var)
    if not (var / "run").exists():
        return
    with _state_lock(var):
        if not _stop_if_unused(var):
            raise ServerStartError(gettext_noop("%(path)s is in use by another process. Stop it first."), path=var)
        postgres.remove(var)
        shutil.rmtree(runtime_folder(var), ignore_errors=True)
        for folder in ("postgres", "redis", "run"):
            shutil.rmtree(var / folder, ignore_errors=True)


def _stop_if_unused(var: Path) -> bool:
    lock = take_lock(_users(var))
    if lock is None:
        return False
    for service in SERVICES.values():
        service.stop(var)
    os.close(lock)
    return True


def _enter(var: Path) -> None:
    if (os.getpid(), var) in _locks:
        return
    # O_CLOEXEC: a program that inherited the descriptor would count as a user after this process has ended.
    descriptor = os.open(_users(var), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    _locks[os.getpid(), var] = descriptor
    atexit.register(_leave_at_exit, os.getpid(), var)


def _leave_at_exit(pid: int, var: Path) -> None:
    # A forked child inherits the handler, but has not entered.
    if os.getpid() == pid and (var / "run").exists():
        leave(var)


def _users(var: Path) -> Path:
    return var / "run" / "users.lock"


@contextmanager
def _state_lock(var: Path) -> Iterator[None]:
    descriptor = os.open(var / "run" / "turn.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _ignored_signals() -> Iterator[None]:
    # A second signal must not end the last process halfway, or the servers would keep running.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in previous:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in previous.items():
            # None: the handler was not installed by Python, and can't be restored.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
