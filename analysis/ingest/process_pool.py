"""Parallel examination of many files, with one process per core."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from analysis.ingest import decoding_service
from analysis.ingest.examine import Examined
from analysis.ingest.validation import InvalidImage, Limits

AHEAD = 2
"""Files each process examines ahead, so that processes need not wait while the caller stores an image."""


@dataclass(frozen=True)
class FileOutcome:
    """Result for one file: examined or refused.

    `path` is None for a folder that could not be read.
    """

    path: Path | None
    examined: Examined | None = None
    refusal: InvalidImage | None = None


def examine_all(
    paths: Iterable[Path | InvalidImage], *, limits: Limits, processes: int | None = None
) -> Iterator[FileOutcome]:
    """Examine files in parallel; outcomes come in the files' order.

    Closing the iterator cancels the rest.
    """
    processes = processes or os.cpu_count() or 1
    # The threads only wait for their child processes, which do the work.
    decoders, threads = decoding_service.DecoderPool(processes), ThreadPoolExecutor(processes)
    pending: deque[Future[FileOutcome]] = deque()
    try:
        for path in paths:
            if isinstance(path, InvalidImage):
                yield FileOutcome(None, refusal=path)
                continue
            pending.append(threads.submit(_examine, path, limits, decoders))
            if len(pending) >= processes * (1 + AHEAD):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # Before the decoders are closed, which jobs in progress still use.
        threads.shutdown(wait=True, cancel_futures=True)
        decoders.close()


def _examine(path: Path, limits: Limits, decoders: decoding_service.DecoderPool) -> FileOutcome:
    try:
        return FileOutcome(path, examined=decoding_service.examine(path, name=path.name, limits=limits, pool=decoders))
    except InvalidImage as refusal:
        return FileOutcome(path, refusal=refusal)
