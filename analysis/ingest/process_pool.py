"""Examining many files at once, one process for each core, with only a few pictures in memory at any time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from analysis.ingest import service
from analysis.ingest.examine import Examined
from analysis.ingest.validation import InvalidImage, Limits

AHEAD = 2
"""Files examined ahead by each process, so that none waits while the caller stores one."""


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
    processes = processes or os.cpu_count() or 1
    decoders, threads = service.Service(processes), ThreadPoolExecutor(processes)
    waiting: deque[Future[Outcome]] = deque()
    try:
        for path in paths:
            if isinstance(path, InvalidImage):
                yield Outcome(None, refusal=path)
                continue
            waiting.append(threads.submit(_examine, path, limits, decoders))
            if len(waiting) >= processes * (1 + AHEAD):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
        decoders.close()


def _examine(path: Path, limits: Limits, decoders: service.Service) -> Outcome:
    try:
        return Outcome(path, examined=service.examine(path, name=path.name, limits=limits, service=decoders))
    except InvalidImage as refusal:
        return Outcome(path, refusal=refusal)
