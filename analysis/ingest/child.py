"""The process that decodes: one file after another, each within its memory and time, until its parent is gone."""

from __future__ import annotations

import contextlib
import ctypes
import io
import math
import os
import resource
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import IO, Any

from analysis.ingest.examine import Examined, examine
from analysis.ingest.render import payload
from analysis.ingest.source import OpenDescriptor, buffered
from analysis.ingest.validation import InvalidImage, Limits

IDLE_SECONDS = 600.0
STANDARD_INPUT, STANDARD_ERROR = 0, 2
HEADROOM = 192 * 1024**2 + 16 * 1024**2 * (os.cpu_count() or 1)
"""Bytes of address space for what no header tells: the renditions, and the stacks of decoders' threads."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BYTES = 128 * 1024**2


@dataclass(frozen=True)
class Job:
    """A file to examine, or with `long_side` to make a payload of.

    The file follows, as a descriptor, or its `size` bytes piece by piece if there is none.
    """

    name: str
    limits: Limits
    size: int
    has_descriptor: bool
    long_side: int = 0
    max_bytes: int = 0


@dataclass(frozen=True)
class Needs:
    """The bytes that decoding is going to take; the parent answers when they may be taken."""

    bytes: int


@dataclass(frozen=True)
class Done:
    """The end of a job: its result, or what it raised."""

    result: Examined | bytes | None = None
    error: InvalidImage | OSError | None = None


def main(descriptor: int) -> None:
    """Serve jobs that come through a socket until it is closed, or nothing came for a while."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who lets what is under way finish
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _keep_freed_memory()
    _silence_libraries()
    connection: Connection[Any, Any] = Connection(descriptor)
    with contextlib.suppress(EOFError, ConnectionError):
        while connection.poll(IDLE_SECONDS):
            _serve(connection, connection.recv())
    os._exit(0)  # nothing to put away, and whoever closes a service waits for it


def _end_with_parent() -> None:
    """Standard input is a pipe that nobody writes to: it ends when the parent does, however that came about."""
    os.read(STANDARD_INPUT, 1)
    os._exit(0)


def _serve(connection: Connection[Any, Any], job: Job) -> None:
    source = _received(connection, job)
    base = _address_space()

    def reserve(needed: int) -> None:
        connection.send(Needs(needed))
        connection.recv()
        _limit_memory(base, needed + needed // 4)

    _limit_memory(base, 2 * job.size)
    _limit_time(job.limits.seconds)
    with source as file:
        try:
            if job.long_side:
                result: Examined | bytes = payload(
                    file, long_side=job.long_side, max_bytes=job.max_bytes, limits=job.limits, reserve=reserve
                )
            else:
                result = examine(file, name=job.name, limits=job.limits, reserve=reserve)
            done = Done(result)
        except (InvalidImage, OSError) as error:
            done = Done(error=error)
        finally:
            _limit_memory(None, 0)
    connection.send(done)


def _received(connection: Connection[Any, Any], job: Job) -> IO[bytes]:
    if job.has_descriptor:
        return buffered(OpenDescriptor(recv_handle(connection)))
    content = io.BytesIO()
    while content.tell() < job.size:
        content.write(connection.recv_bytes())
    content.seek(0)
    return content


def _limit_memory(base: int | None, more: int) -> None:
    """At most so many bytes more than at the start; None lifts the limit. Systems without it have none."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = hard if base is None else base + more + HEADROOM
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard) if soft != resource.RLIM_INFINITY else hard
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _limit_time(seconds: int) -> None:
    """The system ends this process when it has used so many seconds more of a processor."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(usage.ru_utime + usage.ru_stime) + seconds
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # not Linux
        return 0
    return pages * resource.getpagesize()


def _silence_libraries() -> None:
    """Nobody reads what C writes to stderr: of libtiff as many lines as a file has faults. Python's own stays."""
    sys.stderr = os.fdopen(os.dup(STANDARD_ERROR), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STANDARD_ERROR)
    os.close(nowhere)


def _keep_freed_memory() -> None:
    """Freed memory is for the next picture: glibc gives it back and has it zeroed anew, a ninth of a picture's time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
