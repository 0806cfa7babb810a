"""The one door to the decoders: files are decoded in processes of their own, within memory and time.

A picture that takes one down, or takes too long, costs itself alone, with a sentence.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import IO, Any, cast

from analysis.ingest.child import Done, Job, Needs
from analysis.ingest.decode import opened
from analysis.ingest.examine import Examined
from analysis.ingest.file_types import HEAD_BYTES
from analysis.ingest.validation import DEFAULT_LIMITS, InvalidImage, Limits, accepted_format, clean_name

ROOT = Path(__file__).parents[2]
WAITING = 2
"""Seconds on the clock for each second of processor time that decoding may take."""
ATTEMPTS = 2
"""The kernel ends processes, too, when memory runs out: nobody innocent is refused for that."""
PIECE_BYTES = 1024 * 1024
SEND_SECONDS = 30
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")
"""What a decoder's process gets of ours: no key, no password."""
# One heap for all threads: each further one reserves address space, which is what is limited.
OWN_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Crashed(Exception):
    """A decoder's process ended before its job did."""


class TooSlow(Exception):
    """A job took more time than it may."""


class Budget:
    """Bytes that the decoders of this process may take at the same time; whoever finds too few left waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._used = 0

    @contextmanager
    def reserved(self, needed: int, *, of: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + needed <= of)
            self._used += needed
        try:
            yield
        finally:
            with self._changed:
                self._used -= needed
                self._changed.notify_all()


class Child:
    """One decoder process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | OWN_ENVIRONMENT
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"from analysis.ingest.child import main; main({theirs.fileno()})"],
                stdin=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
                env=environment,
            )
        # One that no longer reads is not written to for ever.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
        self.connection: Connection[Any, Any] = Connection(ours.detach())

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def run(self, job: Job, file: IO[bytes], *, budget: Budget) -> Examined | bytes:
        """The result of one job. Raises what it raised, Crashed or TooSlow; after these two the process is gone."""
        try:
            self._send(job, file)
            message = self._next(job.limits)
            if isinstance(message, Needs):
                with budget.reserved(message.bytes, of=job.limits.max_memory):
                    self.connection.send(True)
                    message = self._next(job.limits)
        except (EOFError, ConnectionError, BlockingIOError) as error:
            self.end()
            raise (TooSlow if self.process.returncode == -signal.SIGXCPU else Crashed) from error
        except BaseException:
            self.end()  # somebody waits no longer: what comes next would be the answer to this job
            raise
        done = cast(Done, message)
        if done.error is not None:
            raise done.error
        return cast("Examined | bytes", done.result)

    def _send(self, job: Job, file: IO[bytes]) -> None:
        self.connection.send(job)
        if job.has_descriptor:
            send_handle(self.connection, file.fileno(), self.process.pid)
            return
        file.seek(0)
        left = job.size
        while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
            self.connection.send_bytes(piece)
            left -= len(piece)

    def _next(self, limits: Limits) -> Needs | Done:
        if not self.connection.poll(limits.seconds * WAITING):
            raise TooSlow
        return cast("Needs | Done", self.connection.recv())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.close()

    def close(self) -> None:
        """It ends by itself when it sees that nobody is there."""
        self.connection.close()
        cast(IO[bytes], self.process.stdin).close()


class Service:
    """Decoder processes, started when they are needed and kept for the next file."""

    def __init__(self, processes: int) -> None:
        self._turns = threading.BoundedSemaphore(processes)
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._budget = Budget()

    def call(self, job: Job, file: IO[bytes]) -> Examined | bytes:
        """The result of one job. Raises Rejected, or the OSError that reading the file raised."""
        with self._turns:
            for _ in range(ATTEMPTS):
                try:
                    return self._attempt(job, file)
                except TooSlow:
                    reason = f"decoding it took more than {job.limits.seconds} seconds; open it and save it again"
                    raise InvalidImage("too-slow", clean_name(job.name), reason, "DECODE_SECONDS") from None
                except Crashed:
                    continue
        raise InvalidImage("crashed", clean_name(job.name), "its decoder crashed; the file is broken or hostile")

    def _attempt(self, job: Job, file: IO[bytes]) -> Examined | bytes:
        child = self._take()
        try:
            return child.run(job, file, budget=self._budget)
        finally:
            if child.is_alive:
                with self._lock:
                    self._idle.append(child)

    def _take(self) -> Child:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return Child()
            if child.is_alive:
                return child
            child.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.close()
        for child in idle:
            child.process.wait()


def examine(
    source: Path | IO[bytes], *, name: str, limits: Limits = DEFAULT_LIMITS, service: Service | None = None
) -> Examined:
    """Verify, measure and render a picture. Raises Rejected.

    A source that is a file must be seekable and is left open; its own read errors pass through.
    """
    with opened(source, name=name) as file:
        job = _job(file, name=name, limits=limits)
        return cast(Examined, (service or _shared()).call(job, file))


def payload(
    source: Path | IO[bytes], *, long_side: int = 2048, max_bytes: int = 5 * 1024**2, limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """The bytes that a recognizer is sent, as `render.payload` makes them. Raises Rejected."""
    name = source.name if isinstance(source, Path) else "picture"
    with opened(source, name=name) as file:
        job = replace(_job(file, name=name, limits=limits), long_side=long_side, max_bytes=max_bytes)
        return cast(bytes, _shared().call(job, file))


def _job(file: IO[bytes], *, name: str, limits: Limits) -> Job:
    """What by its first bytes is no picture is refused here, and starts no process."""
    size = file.seek(0, os.SEEK_END)  # a file that was just written is flushed by that
    file.seek(0)
    accepted_format(file.read(HEAD_BYTES), name=name, size=size, limits=limits)
    return Job(name, limits, size, has_descriptor=_has_descriptor(file, size))


def _has_descriptor(file: IO[bytes], size: int) -> bool:
    """Of a regular file with these bytes; files in memory have none, and that of an unpacked one is of others."""
    try:
        status = os.fstat(file.fileno())
    except (AttributeError, OSError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


_shared_lock = threading.Lock()
_services: list[Service] = []
_of_parents: list[Service] = []  # not forgotten: to end a process that is another's child would warn


def _shared() -> Service:
    with _shared_lock:
        if not _services:
            _services.append(Service(os.cpu_count() or 1))
        return _services[0]


def close() -> None:
    """End the decoder processes that wait for files; the next file starts others."""
    with _shared_lock:
        services = _services[:]
        _services.clear()
    for service in services:
        service.close()


def _start_over_in_child() -> None:
    # The processes are the parent's, and so is whoever holds a lock.
    global _shared_lock  # noqa: PLW0603
    _shared_lock = threading.Lock()
    _of_parents.extend(_services)
    _services.clear()


os.register_at_fork(after_in_child=_start_over_in_child)
atexit.register(close)
