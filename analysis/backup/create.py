"""Makes a backup: a snapshot of the database, then the files it refers to."""

from __future__ import annotations

import gzip
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import IO

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.backup import file_list, manifest, snapshot
from analysis.backup.errors import BackupError
from analysis.backup.file_list import BackupEntry
from analysis.backup.library_files import LibraryFile, Options
from analysis.backup.location import Location, StoredFile, measure
from analysis.backup.manifest import Manifest
from analysis.models import Backup, Image
from analysis.storage import blobs, deletion_pause, originals
from imagelib import __version__
from imagelib.database_connection import connect

LOCK = 0x62_61_63_6B_75_70  # "backup", of PostgreSQL's advisory locks
MAX_NAMED = 20
_locks = [threading.Lock() for _number in range(64)]

Progress = Callable[[int, int], None]
"""Called with the number of files done and of all files."""


@dataclass
class Result:
    """Outcome of a backup: files copied, and files that the library lacks."""

    manifest: Manifest
    copied_files: int
    copied_bytes: int
    missing: list[str]
    """Only the first ones."""


@dataclass
class _Counts:
    files: int = 0
    bytes: int = 0
    copied_files: int = 0
    copied_bytes: int = 0
    missing: int = 0
    missing_keys: list[str] = field(default_factory=list)


def create(location: Location, *, options: Options, progress: Progress) -> Result:
    """Make a backup, without copying files again that an earlier one has.

    Raises BackupError; then there is no new backup.
    """
    now = timezone.now()
    with exclusive_backup():
        name = _new_name(location, now)
        try:
            result = _write(location, name, now, options=options, progress=progress)
        except BaseException as error:
            # The manifest first: what lacks one is taken for no backup.
            for file in (manifest.MANIFEST, manifest.FILE_LIST, manifest.DATABASE):
                location.discard(manifest.path(name, file))
            if isinstance(error, KeyboardInterrupt):
                raise BackupError(_("Stopped.")) from error
            raise
    _record(location, result, now)
    return result


@contextmanager
def exclusive_backup() -> Iterator[None]:
    """Block other backups, and deletions of files that the snapshot refers to.

    Raises BackupError while another one is running.
    """
    # In a connection of its own, since PostgreSQL releases the locks when it ends, however the process ends.
    with closing(connect()) as lock:
        if not lock.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]:  # type: ignore[index]
            raise BackupError(_("Another backup of this library is running."))
        deletion_pause.pause(lock)
        yield


def _write(location: Location, name: str, now: datetime, *, options: Options, progress: Progress) -> Result:
    with tempfile.TemporaryFile() as keys:
        before = manifest.latest_complete(location)
        taken = snapshot.take(location, name, keys, options=options)
        stored_list, counts = _copy_files(location, name, keys, before, lambda done: progress(done, taken.files))
    backup = Manifest(
        name=name,
        imagelib=__version__,
        created_at=now.isoformat(),
        postgres=taken.postgres,
        migrations=taken.migrations,
        tables=taken.tables,
        database=taken.database,
        file_list=stored_list,
        pictures=taken.pictures,
        files=counts.files,
        bytes=counts.bytes,
        missing=counts.missing,
    )
    if not location.is_bucket:
        os.sync()  # so that the manifest is not on the disk before the files it lists
    manifest.write(location, backup)
    return Result(backup, counts.copied_files, counts.copied_bytes, counts.missing_keys)


def _copy_files(
    location: Location, name: str, keys: IO[bytes], before: Manifest | None, progress: Callable[[int], None]
) -> tuple[StoredFile, _Counts]:
    """Copy the files that are new, and write the list of all."""
    counts = _Counts()
    earlier = file_list.entries(location, before) if before else iter(())
    files = file_list.contents_before(snapshot.read_keys(keys), earlier, key_of=lambda file: file.key)
    with tempfile.TemporaryFile() as list_file:
        with gzip.open(list_file, "wb", compresslevel=6) as lines:
            for number, copy in enumerate(file_list.in_threads(partial(_copy, location), files), start=1):
                _count(copy, counts)
                if copy.entry.content or not copy.file.is_optional:
                    lines.write(copy.entry.as_line())
                progress(number)
        stored = measure(list_file)
        location.save(manifest.path(name, manifest.FILE_LIST), list_file)
    return stored, counts


@dataclass(frozen=True)
class _Copy:
    file: LibraryFile
    entry: BackupEntry
    is_new: bool = False
    is_damaged: bool = False


def _copy(location: Location, item: tuple[LibraryFile, StoredFile | None]) -> _Copy:
    """Copy one file unless the location has its content."""
    file, before = item
    expected = before or (StoredFile(file.size, file.sha256) if file.size is not None and file.sha256 else None)
    # Not checked in S3, where a request for each of a million files would take longer than the backup. `verify` finds
    # files that were deleted there.
    if expected and (
        (before and location.is_bucket) or location.size(manifest.content_name(expected.sha256)) == expected.size
    ):
        return _Copy(file, BackupEntry(file.key, expected))
    try:
        with _open(file) as content:
            actual = measure(content)
            # One thread per content, since two users may have the same picture.
            with _locks[int(actual.sha256[:2], 16) % len(_locks)]:
                is_new = location.size(manifest.content_name(actual.sha256)) != actual.size
                if is_new:
                    location.save(manifest.content_name(actual.sha256), content)
    except blobs.BlobMissing:
        return _Copy(file, BackupEntry(file.key, None))
    except (blobs.StorageError, OSError) as error:
        if file.image_id:  # in a user's bucket, which may deny access
            return _Copy(file, BackupEntry(file.key, None))
        raise BackupError(str(error)) from error
    return _Copy(
        file, BackupEntry(file.key, actual), is_new, is_damaged=bool(file.sha256) and actual.sha256 != file.sha256
    )


@contextmanager
def _open(file: LibraryFile) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        if not file.image_id:
            yield stack.enter_context(blobs.get(file.key))
            return
        stack.callback(connection.close)  # the connection of this thread
        image = Image.objects.select_related("bucket").filter(pk=file.image_id).first()
        if image is None:
            raise blobs.BlobMissing(file.key)
        yield stack.enter_context(originals.get(image))


def _count(copy: _Copy, counts: _Counts) -> None:
    if copy.entry.content:
        counts.files += 1
        counts.bytes += copy.entry.content.size
    if copy.is_new and copy.entry.content:
        counts.copied_files += 1
        counts.copied_bytes += copy.entry.content.size
    if copy.is_damaged or not (copy.entry.content or copy.file.is_optional):
        counts.missing += 1
        counts.missing_keys += [copy.file.key] if len(counts.missing_keys) < MAX_NAMED else []


def _new_name(location: Location, now: datetime) -> str:
    name, names = f"{now:%Y-%m-%dT%H%M%SZ}", location.folders(manifest.FOLDER)
    number = 2
    while name in names:
        name, number = f"{now:%Y-%m-%dT%H%M%SZ}-{number}", number + 1
    return name


def _record(location: Location, result: Result, now: datetime) -> None:
    Backup.objects.create(
        location=location.text[:1024],
        name=result.manifest.name,
        created_at=now,
        pictures=result.manifest.pictures,
        files=result.manifest.files,
        bytes=result.manifest.bytes + result.manifest.database.size,
        missing=result.manifest.missing,
    )
