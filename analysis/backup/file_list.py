"""The list of a backup's files, sorted by key."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from analysis.backup.location import Location, StoredFile
from analysis.backup.manifest import FILE_LIST, Manifest

T = TypeVar("T")
R = TypeVar("R")
THREADS = 8
TOGETHER = 64


@dataclass(frozen=True)
class BackupEntry:
    """A file of the library and its content; None if the file was missing."""

    key: str
    content: StoredFile | None

    def as_line(self) -> bytes:
        values = [self.key, *([self.content.size, self.content.sha256] if self.content else [])]
        return json.dumps(values).encode() + b"\n"


def entries(location: Location, manifest: Manifest) -> Iterator[BackupEntry]:
    """All entries of a backup. Raises BackupError if the list is damaged."""
    with (
        location.open_verified(manifest.path(FILE_LIST), manifest.file_list) as file,
        gzip.open(file, "rb") as lines,
    ):
        for line in lines:
            key, *content = json.loads(line)
            yield BackupEntry(key, StoredFile(*content) if content else None)


def contents_before(
    keys: Iterable[T], before: Iterator[BackupEntry], *, key_of: Callable[[T], str]
) -> Iterator[tuple[T, StoredFile | None]]:
    """Each item with the content of its key in an earlier list. Both must be sorted."""
    entry = next(before, None)
    for item in keys:
        while entry is not None and entry.key < key_of(item):
            entry = next(before, None)
        yield item, entry.content if entry is not None and entry.key == key_of(item) else None


def in_threads(work: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
    """Results in order, with a bounded number of items in memory."""
    with ThreadPoolExecutor(THREADS) as pool:
        while batch := list(islice(items, TOGETHER)):
            yield from pool.map(work, batch)
