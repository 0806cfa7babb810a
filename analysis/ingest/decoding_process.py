"""A process that decodes untrusted files, one after another.

Each file is decoded within limits of memory and time. The process ends with its parent.
"""

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
from typing import IO, Any, Literal

from analysis.ingest.bounded_file import OpenDescriptor, buffered
from analysis.ingest.decode import Reserve
from analysis.ingest.examine import Examined, examine
from analysis.ingest.full_size import full_size_jpeg, tile_file
from analysis.ingest.thumbnails import payload
from analysis.ingest.validation import InvalidImage, Limits

IDLE_SECONDS = 600.0
STANDARD_INPUT, STANDARD_ERROR = 0, 2
HEADROOM = 192 * 1024**2 + 16 * 1024**2 * (os.cpu_count() or 1)
"""Bytes of address space for the renditions, and for the stacks of decoders' threads."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
REUSED_BYTES = 128 * 1024**2


@dataclass(frozen=True)
class Job:
    """A file to examine or to render.

    `long_side`: render a payload. `full_size`: render all pixels.

    The file follows: its descriptor, or without one its `size` bytes in pieces.
    """

    name: str
    limits: Limits
    size: int
    has_descriptor: bool
    long_side: int = 0
    max_bytes: int = 0
    turns: int = 0
    full_size: Literal["", "jpeg", "tiles"] = ""


@dataclass(frozen=True)
class Needs:
    """Memory that decoding needs, in bytes. The parent replies when it is free."""

    bytes: int


@dataclass(frozen=True)
class Done:
    """The result of a job, or its error."""

    result: Examined | bytes | None = None
    error: InvalidImage | OSError | None = None


def main(descriptor: int) -> None:
    """Run jobs from a socket until it is closed, or idle for IDLE_SECONDS."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent lets jobs finish
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _keep_freed_memory()
    _silence_libraries()
    connection: Connection[Any, Any] = Connection(descriptor)
    with contextlib.suppress(EOFError, ConnectionError):
        while connection.poll(IDLE_SECONDS):
            _serve(connection, connection.recv())
    os._exit(0)  # without cleanup, since closing a pool waits for this process


def _end_with_parent() -> None:
    # Standard input is a pipe that the parent never writes to. It is closed when the parent ends, even by SIGKILL.
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
            done = Done(_result(job, file, reserve))
        except (InvalidImage, OSError) as error:
            done = Done(error=error)
        finally:
            # Before the result is sent, since serializing it takes memory, too.
            _limit_memory(None, 0)
    connection.send(done)


def _result(job: Job, file: IO[bytes], reserve: Reserve) -> Examined | bytes:
    if job.full_size:
        render = tile_file if job.full_size == "tiles" else full_size_jpeg
        return render(file, turns=job.turns, limits=job.limits, reserve=reserve)
    if job.long_side:
        return payload(file, long_side=job.long_side, max_bytes=job.max_bytes, limits=job.limits, reserve=reserve)
    return examine(file, name=job.name, turns=job.turns, limits=job.limits, reserve=reserve)


def _received(connection: Connection[Any, Any], job: Job) -> IO[bytes]:
    if job.has_descriptor:
        return buffered(OpenDescriptor(recv_handle(connection)))
    content = io.BytesIO()
    while content.tell() < job.size:
        content.write(connection.recv_bytes())
    content.seek(0)
    return content


def _limit_memory(base: int | None, more: int) -> None:
    """Limit address space to `base` + `more` bytes; None lifts the limit.

    Not all systems support it.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = hard if base is None else base + more + HEADROOM
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard) if soft != resource.RLIM_INFINITY else hard
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _limit_time(seconds: int) -> None:
    """Let the system kill this process after `seconds` more of processor time."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    # RLIMIT_CPU counts from the start of the process, which may have decoded other files before.
    soft = math.ceil(usage.ru_utime + usage.ru_stime) + seconds
    # setrlimit refuses a soft limit above the hard one.
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
    """Discard the stderr of C libraries: libtiff writes a line for each fault.

    Python's stderr is kept.
    """
    sys.stderr = os.fdopen(os.dup(STANDARD_ERROR), "w")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, STANDARD_ERROR)
    os.close(null)


def _keep_freed_memory() -> None:
    # glibc returns freed blocks to the kernel, which zeroes them for the next image. That takes a ninth of an image's
    # time.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, REUSED_BYTES)
        mallopt(M_TRIM_THRESHOLD, REUSED_BYTES)
