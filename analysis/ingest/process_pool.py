"""Examining many files at once, one process for each core, with only a few pictures in memory at any time."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from analysis.ingest.examine import Examined, examine
from analysis.ingest.validation import InvalidImage, Limits, clean_name

AHEAD = 2
"""Files examined ahead by each process, so that none waits while the caller stores one."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BYTES = 128 * 1024**2


@dataclass(frozen=True)
class Outcome:
    """What became of one file: examined or refused. `path` is None for a folder that could not be read."""

    path: Path | None
    examined: Examined | None = None
    refusal: InvalidImage | None = None


def examine_all(
    paths: Iterable[Path | InvalidImage], *, limits: Limits, processes: int | None = None
) -> Iterator[Outcome]:
    """Examine files in parallel; outcomes come in the files' order. Closing the iterator abandons what is ahead."""
    with _Examiners(limits=limits, processes=processes or os.cpu_count() or 1) as examiners:
        for path in paths:
            if isinstance(path, InvalidImage):
                yield Outcome(None, refusal=path)
                continue
            examiners.submit(path)
            if examiners.are_full:
                yield examiners.next()
        while examiners.waiting:
            yield examiners.next()


class _Examiners:
    def __init__(self, *, limits: Limits, processes: int) -> None:
        self.limits, self.processes = limits, processes
        self.waiting: deque[tuple[Path, Future[Outcome]]] = deque()
        self._pool = _pool(processes)

    def __enter__(self) -> _Examiners:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def are_full(self) -> bool:
        return len(self.waiting) >= self.processes * (1 + AHEAD)

    def submit(self, path: Path) -> None:
        self.waiting.append((path, self._submit(path)))

    def next(self) -> Outcome:
        path, future = self.waiting.popleft()
        try:
            return future.result()
        except BrokenProcessPool:
            # A decoder took its process down, and with it the pool and whatever else was under way. Only trying each
            # file alone tells which one it was.
            self._renew()
            return _examine_alone(path, self.limits)

    def _submit(self, path: Path) -> Future[Outcome]:
        try:
            return self._pool.submit(_examine, path, self.limits)
        except BrokenProcessPool:
            self._renew()
            return self._pool.submit(_examine, path, self.limits)

    def _renew(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = _pool(self.processes)
        for place, (path, future) in enumerate(self.waiting):
            if not future.done() or future.cancelled() or future.exception():
                self.waiting[place] = (path, self._pool.submit(_examine, path, self.limits))


def _pool(processes: int) -> ProcessPoolExecutor:
    # Spawned, since forking would share the caller's database connections and threads.
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_start_examiner)


def _start_examiner() -> None:
    """Ctrl-C is for the caller, who lets what is under way finish; freed memory is for the next picture."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # glibc gives large pieces back to the system, which zeroes them anew: a ninth of a picture's time.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def _examine(path: Path, limits: Limits) -> Outcome:
    try:
        return Outcome(path, examined=examine(path, name=path.name, limits=limits))
    except InvalidImage as refusal:
        return Outcome(path, refusal=refusal)


def _examine_alone(path: Path, limits: Limits) -> Outcome:
    with _pool(1) as pool:
        try:
            return pool.submit(_examine, path, limits).result()
        except BrokenProcessPool:
            reason = "its decoder crashed; the file is broken or hostile"
            return Outcome(path, refusal=InvalidImage("crashed", clean_name(path.name), reason))
