"""Who uses the embedded servers. Each process holds a shared lock for as long as it lives, so that the kernel counts
them, killed ones included. Whoever leaves and then gets that lock for itself alone was the last and stops the servers.
Coming and going take turns, so nobody comes in while the last one is putting out the lights."""

import atexit
import fcntl
import os
import shutil
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from imagelib.embedded import postgres, redis
from imagelib.embedded.server import ServerStartError, runtime_folder, take_lock
from imagelib.private_files import make_folder, private_folder

SERVICES = {"postgres": postgres, "redis": redis}

# By process as well: a forked child inherits the parent's entry, but is a user only once it starts something itself.
_presence: dict[tuple[int, Path], int] = {}


def start(var: Path, *, services: Collection[str] = frozenset(SERVICES)) -> None:
    """Returns when the services answer; until this process ends they keep running. Safe to call again.

    Raises Unstartable.
    """
    if not services:
        return
    var = var.resolve()
    try:
        make_folder(var)
        private_folder(var / "run")
        with _turn(var):
            _enter(var)
            for service in sorted(services):
                SERVICES[service].start(var)
    except OSError as error:
        raise ServerStartError(f"The embedded servers cannot use {error.filename or var}: {error.strerror}.") from error


def leave(var: Path) -> None:
    """This process needs the servers no longer; stops them if it was the last."""
    var = var.resolve()
    presence = _presence.pop((os.getpid(), var), None)
    if presence is None:
        return
    with _undisturbed(), _turn(var):
        os.close(presence)
        _stop_if_unused(var)


def remove(var: Path) -> None:
    """Deletes the embedded servers' data, including what lies outside of `var`. Raises Unstartable if it is in use."""
    var = var.resolve()
    leave(var)
    if not (var / "run").exists():
        return
    with _turn(var):
        if not _stop_if_unused(var):
            raise ServerStartError(f"{var} is in use by another process.")
        postgres.remove(var)
        shutil.rmtree(runtime_folder(var), ignore_errors=True)
        for folder in ("postgres", "redis", "run"):
            shutil.rmtree(var / folder, ignore_errors=True)


def _stop_if_unused(var: Path) -> bool:
    alone = take_lock(_users(var))
    if alone is None:
        return False
    for service in SERVICES.values():
        service.stop(var)
    os.close(alone)
    return True


def _enter(var: Path) -> None:
    if (os.getpid(), var) in _presence:
        return
    descriptor = os.open(_users(var), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    _presence[os.getpid(), var] = descriptor
    atexit.register(_leave_at_exit, os.getpid(), var)


def _leave_at_exit(pid: int, var: Path) -> None:
    if os.getpid() == pid and (var / "run").exists():
        leave(var)


def _users(var: Path) -> Path:
    return var / "run" / "users.lock"


@contextmanager
def _turn(var: Path) -> Iterator[None]:
    descriptor = os.open(var / "run" / "turn.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second signal must not end the last user halfway: nobody would be left to stop the servers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
