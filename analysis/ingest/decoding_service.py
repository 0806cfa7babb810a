"""Decoding in child processes that are limited in memory and time.

A file that crashes its decoder, or takes too long, is refused with a reason and affects no other file.
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
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import IO, Any, Literal, cast

from analysis.ingest import machine_memory
from analysis.ingest.decode import open_source
from analysis.ingest.decoding_process import Done, Job, Needs
from analysis.ingest.examine import Examined
from analysis.ingest.file_types import HEAD_BYTES
from analysis.ingest.process_memory import ProcessMemory
from analysis.ingest.validation import DEFAULT_LIMITS, InvalidImage, Limits, accepted_format, clean_name
from analysis.messages import gettext_noop

ROOT = Path(__file__).parents[2]
CLOCK_FACTOR = 2
"""Factor of the limit on the clock to the limit of processor time."""
ATTEMPTS = 2
"""More than one, since the kernel may kill a process for memory that others use."""
PIECE_BYTES = 1024 * 1024
SEND_SECONDS = 30
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")
"""Variables a decoder process inherits: none with a key or a password."""
# One heap for all threads, since each further one reserves address space, which RLIMIT_AS limits.
OWN_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Crashed(Exception):
    """A decoder process ended before its job."""


class TooSlow(Exception):
    """A job took more time than its limit."""


class DecoderProcess:
    """One child process that decodes files, one after another."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | OWN_ENVIRONMENT
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"from analysis.ingest.decoding_process import main; main({theirs.fileno()})"],
                stdin=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
                env=environment,
            )
        # A stopped process reads nothing more, and sending to it would block forever.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
        self.connection: Connection[Any, Any] = Connection(ours.detach())

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def run(self, job: Job, file: IO[bytes], *, memory: ProcessMemory) -> Examined | bytes:
        """The result of one job.

        Raises its error, or Crashed or TooSlow, after which the process has ended.
        """
        try:
            self._send(job, file)
            message = self._next(job.limits)
            if isinstance(message, Needs):
                total, folder = job.limits.max_memory, job.limits.memory_folder
                with (
                    memory.reserved(message.bytes, total=total),
                    machine_memory.reserved(message.bytes, total=total, folder=folder),
                ):
                    self.connection.send(True)
                    message = self._next(job.limits)
        except (EOFError, ConnectionError, BlockingIOError) as error:
            self.end()
            # The kernel sends SIGXCPU when the processor time of RLIMIT_CPU is used up.
            raise (TooSlow if self.process.returncode == -signal.SIGXCPU else Crashed) from error
        except BaseException:
            self.end()  # if interrupted, the process would send this job's result to the next one
            raise
        done = cast(Done, message)
        if done.error is not None:
            raise done.error
        return cast("Examined | bytes", done.result)

    def _send(self, job: Job, file: IO[bytes]) -> None:
        self.connection.send(job)
        if job.has_descriptor:
            # The child reads the file itself, so that its bytes are not copied through the socket.
            send_handle(self.connection, file.fileno(), self.process.pid)
            return
        file.seek(0)
        left = job.size
        while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
            self.connection.send_bytes(piece)
            left -= len(piece)

    def _next(self, limits: Limits) -> Needs | Done:
        if not self.connection.poll(limits.seconds * CLOCK_FACTOR):
            raise TooSlow
        return cast("Needs | Done", self.connection.recv())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.close()

    def close(self) -> None:
        """The process ends when its socket or standard input is closed."""
        self.connection.close()
        cast(IO[bytes], self.process.stdin).close()


class DecoderPool:
    """Decoder processes, started on demand and reused for the next file."""

    def __init__(self, processes: int) -> None:
        self._turns = threading.BoundedSemaphore(processes)
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []
        self._memory = ProcessMemory()

    def call(self, job: Job, file: IO[bytes]) -> Examined | bytes:
        """The result of one job. Raises InvalidImage, or the OSError of reading the file."""
        with self._turns:
            for _ in range(ATTEMPTS):
                try:
                    return self._attempt(job, file)
                except TooSlow:
                    template = gettext_noop("decoding took more than %(seconds)s seconds; open it and save it again")
                    raise InvalidImage(
                        "too-slow",
                        clean_name(job.name),
                        template,
                        setting="DECODE_SECONDS",
                        seconds=job.limits.seconds,
                    ) from None
                except Crashed:
                    continue
        template = gettext_noop("its decoder crashed; the file is damaged or malicious")
        raise InvalidImage("crashed", clean_name(job.name), template)

    def _attempt(self, job: Job, file: IO[bytes]) -> Examined | bytes:
        decoder = self._take()
        try:
            return decoder.run(job, file, memory=self._memory)
        finally:
            if decoder.is_alive:
                with self._lock:
                    self._idle.append(decoder)

    def _take(self) -> DecoderProcess:
        while True:
            with self._lock:
                decoder = self._idle.pop() if self._idle else None
            if decoder is None:
                return DecoderProcess()
            if decoder.is_alive:
                return decoder
            decoder.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        # All are closed before the first is waited for, so that they end at the same time.
        for decoder in idle:
            decoder.close()
        for decoder in idle:
            decoder.process.wait()


def examine(
    source: Path | IO[bytes],
    *,
    name: str,
    limits: Limits = DEFAULT_LIMITS,
    turns: int = 0,
    pool: DecoderPool | None = None,
) -> Examined:
    """Verify, measure and render an image. Raises InvalidImage.

    Renditions are turned clockwise by `turns` quarters.
    A file as source must be seekable and stays open; its own read errors pass through.
    """
    with open_source(source, name=name) as file:
        job = replace(_job(file, name=name, limits=limits), turns=turns)
        return cast(Examined, (pool or _shared()).call(job, file))


def payload(
    source: Path | IO[bytes], *, long_side: int = 2048, max_bytes: int = 5 * 1024**2, limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """The JPEG sent to a recognizer, as `thumbnails.payload` makes it.

    Raises InvalidImage.
    """
    name = source.name if isinstance(source, Path) else "picture"
    with open_source(source, name=name) as file:
        job = replace(_job(file, name=name, limits=limits), long_side=long_side, max_bytes=max_bytes)
        return cast(bytes, _shared().call(job, file))


def full_size(
    source: Path | IO[bytes], *, kind: Literal["jpeg", "tiles"], turns: int, limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """All pixels as one JPEG, or as a file of tiles (`full_size.py`).

    Raises InvalidImage.
    """
    name = source.name if isinstance(source, Path) else "picture"
    with open_source(source, name=name) as file:
        job = replace(_job(file, name=name, limits=limits), full_size=kind, turns=turns)
        return cast(bytes, _shared().call(job, file))


def _job(file: IO[bytes], *, name: str, limits: Limits) -> Job:
    """The job for a file.

    Raises InvalidImage for a file whose first bytes are not an image's, which needs no process.
    """
    size = file.seek(0, os.SEEK_END)  # seeking also flushes a file that was just written
    file.seek(0)
    accepted_format(file.read(HEAD_BYTES), name=name, size=size, limits=limits)
    return Job(name, limits, size, has_descriptor=_has_descriptor(file, size))


def _has_descriptor(file: IO[bytes], size: int) -> bool:
    """True for a regular file of this size.

    Files in memory have no descriptor, and gzip's has the packed bytes.
    """
    try:
        status = os.fstat(file.fileno())
    except (AttributeError, OSError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


_shared_lock = threading.Lock()
_pools: list[DecoderPool] = []
# Pools of the process this one was forked from. Kept, since Popen warns if it is deleted while its process runs.
_inherited_pools: list[DecoderPool] = []


def _shared() -> DecoderPool:
    with _shared_lock:
        if not _pools:
            _pools.append(DecoderPool(os.cpu_count() or 1))
        return _pools[0]


def close() -> None:
    """End the idle decoder processes; the next file starts new ones."""
    with _shared_lock:
        pools = _pools[:]
        _pools.clear()
    for pool in pools:
        pool.close()


def _forget_pools_after_fork() -> None:
    # The decoder processes belong to the parent, and so does the thread that may hold the lock.
    global _shared_lock
    _shared_lock = threading.Lock()
    _inherited_pools.extend(_pools)
    _pools.clear()


os.register_at_fork(after_in_child=_forget_pools_after_fork)
atexit.register(close)
