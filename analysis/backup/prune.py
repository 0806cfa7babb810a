"""Deletes old backups, and files that no other backup refers to."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from analysis.backup import file_list, manifest
from analysis.backup.create import exclusive_backup
from analysis.backup.location import Location
from analysis.backup.manifest import Manifest
from analysis.models import Backup

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Pruned:
    """Names of the deleted backups, and numbers of deleted shared files."""

    backups: list[str]
    files: int
    bytes: int


def prune(location: Location, *, keep: int, newest: str) -> Pruned:
    """Delete all but the latest `keep` complete backups; `newest` always stays.

    Interrupted backups are deleted, too. Raises BackupError; nothing is deleted if a backup to keep cannot be read.
    """
    with exclusive_backup():
        names = location.folders(manifest.FOLDER)
        complete = [name for name in names if location.exists(manifest.path(name, manifest.MANIFEST))]
        remaining = [manifest.read(location, name) for name in sorted({*complete[-keep:], newest})]
        removed = [name for name in names if name not in {backup.name for backup in remaining}]
        for name in set(removed) & set(complete):
            manifest.read(location, name)  # the list of a newer version may have another meaning
        return _remove(location, removed, remaining)


def _remove(location: Location, removed: list[str], remaining: list[Manifest]) -> Pruned:
    if not removed:
        return Pruned([], 0, 0)
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "files")) as files:
        _find_unreferenced(files, location, removed, remaining)
        # The manifest is deleted first, since a backup without one is incomplete, and the list last: after an
        # interruption the next run finds the remaining files by it.
        _delete(location, removed, manifest.MANIFEST)
        rows = files.execute("SELECT sha256 FROM unreferenced")
        for _deleted in file_list.in_threads(partial(_delete_content, location), rows):
            pass
        count, size = files.execute("SELECT count(*), coalesce(sum(size), 0) FROM unreferenced").fetchone()
    for file in (manifest.DATABASE, manifest.FILE_LIST):
        _delete(location, removed, file)
    if not location.is_bucket:
        for name in removed:
            location.discard(f"{manifest.FOLDER}/{name}")
    Backup.objects.filter(location=location.text[:1024], name__in=removed).delete()
    return Pruned(removed, count, size)


def _find_unreferenced(
    files: sqlite3.Connection, location: Location, removed: list[str], remaining: list[Manifest]
) -> None:
    """Make a table of files of removed backups that no remaining one has."""
    # In SQLite on the disk, since the lists may have millions of lines.
    files.execute("CREATE TABLE unreferenced (sha256 TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID")
    for name in removed:
        files.executemany("INSERT OR IGNORE INTO unreferenced VALUES (?, ?)", _contents(location, name))
    for backup in remaining:
        referenced = ((entry.content.sha256,) for entry in file_list.entries(location, backup) if entry.content)
        files.executemany("DELETE FROM unreferenced WHERE sha256 = ?", referenced)
    files.commit()


def _contents(location: Location, name: str) -> Iterator[tuple[str, int]]:
    """Hash and size of the files of a backup, as far as its list can be read."""
    path = manifest.path(name, manifest.FILE_LIST)
    if not location.exists(path):
        return
    try:
        with location.open(path) as file, gzip.open(file, "rb") as lines:
            for line in lines:
                _key, *content = json.loads(line)
                if content and SHA256.fullmatch(content[1]):
                    yield content[1], int(content[0])
    except (OSError, EOFError, zlib.error, ValueError):  # damaged, so the remaining files are kept
        return


def _delete_content(location: Location, row: tuple[Any, ...]) -> None:
    location.delete(manifest.content_name(row[0]))


def _delete(location: Location, names: list[str], file: str) -> None:
    for name in names:
        location.delete(manifest.path(name, file))


def refusal(backup: Manifest) -> str:
    """The reason not to delete older backups; empty if there is none."""
    if not backup.missing:
        return ""
    return _("No older backup was deleted because this one lacks files that an older one may have.")
