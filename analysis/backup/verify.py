"""Verifies a backup by every file's size and SHA-256."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from analysis.backup import file_list, manifest
from analysis.backup.errors import BackupError
from analysis.backup.file_list import BackupEntry
from analysis.backup.location import Location
from analysis.backup.manifest import Manifest


def problems(location: Location, backup: Manifest, *, progress: Callable[[int, int], None]) -> Iterator[str]:
    """A sentence for each file that is missing or damaged."""
    try:
        with location.open_verified(backup.path(manifest.DATABASE), backup.database):
            pass
    except BackupError as error:
        yield str(error)
    try:
        checks = file_list.in_threads(partial(_check, location), file_list.entries(location, backup))
        for number, problem in enumerate(checks, start=1):
            progress(number, backup.files)
            if problem:
                yield problem
    except BackupError as error:  # the list itself
        yield str(error)


def _check(location: Location, entry: BackupEntry) -> str:
    if entry.content is None:
        return ""
    try:
        with location.open_verified(manifest.content_name(entry.content.sha256), entry.content):
            return ""
    except BackupError as error:
        return f"{error} ({entry.key})"
