"""Restoring a backup: first the files, then the database in one transaction."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.backup import file_list, manifest, programs
from analysis.backup.errors import BackupError
from analysis.backup.file_list import BackupEntry
from analysis.backup.library_files import BUCKET_ORIGINALS
from analysis.backup.location import Location, StoredFile, measure
from analysis.backup.manifest import Manifest
from analysis.models import Bucket, BucketObject, Image, PendingBlob
from analysis.storage import blobs
from imagelib import __version__
from imagelib.accounts.models import User
from imagelib.database_connection import connect

KEPT_FOR = timedelta(days=7)
"""Time for which files of a failed restore are kept, so that the next one need not copy them again, and the trash."""
CHUNK = 500
CLOSING_SECONDS = 3.0
KEY = re.compile(r"(?!.*\.\.)(originals|renditions|exports|uploads)/[\w./-]+", re.ASCII)
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
# Tables instead of the schema, which has extensions that perhaps only a superuser can create again.
DROP_ALL = """
SET LOCAL lock_timeout = '30s';
SET LOCAL client_min_messages = warning;
DO $$
DECLARE commands text;
BEGIN
    -- All commands are written before the first runs, since CASCADE also drops functions that call the dropped one, and
    -- a function that is gone has no name.
    SELECT string_agg(format('DROP TABLE IF EXISTS %s CASCADE', oid::regclass), ';') INTO commands
        FROM pg_class WHERE relkind IN ('r', 'p')
            AND relnamespace = current_schema()::regnamespace AND NOT EXISTS (
                SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e');
    EXECUTE coalesce(commands, '');
    SELECT string_agg(format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure), ';') INTO commands
        FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e');
    EXECUTE coalesce(commands, '');
END $$;
"""


def check(backup: Manifest) -> None:
    """Raise BackupError if this version or server cannot restore the backup."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    if unknown := sorted(set(backup.migrations) - known):
        raise BackupError(
            _(
                "The backup was made by imagelib %(newer)s, which is newer than this imagelib %(version)s (unknown"
                " migration %(name)s). Update imagelib first."
            )
            % {"newer": backup.imagelib, "version": __version__, "name": unknown[-1]}
        )
    server = _server_version()
    if server < backup.postgres:
        sentence = _("The backup was made with PostgreSQL %(newer)s, but this server runs the older %(version)s.")
        raise BackupError(sentence % {"newer": backup.postgres, "version": server})


def contents() -> dict[str, int]:
    """Numbers of pictures, accounts and buckets of this library; none if it is empty."""
    tables = set(connection.introspection.table_names())
    rows: dict[str, QuerySet[Any]] = {
        "pictures": Image.objects.all(),
        "accounts": User.objects.all(),
        "buckets": Bucket.objects.all(),
    }
    counts = {name: queryset.count() for name, queryset in rows.items() if queryset.model._meta.db_table in tables}
    return {name: number for name, number in counts.items() if number}


def restore(location: Location, backup: Manifest, *, progress: Callable[[int, int], None]) -> None:
    """Replace this library by a backup's. Raises BackupError and then changes nothing."""
    check(backup)
    programs_folder = programs.folder(_server_version())
    _refuse_other_programs()
    # Before anything is written, since a damaged dump would otherwise be found after an hour of copying.
    with location.open_verified(backup.path(manifest.DATABASE), backup.database):
        pass
    try:
        _restore_files(location, backup, progress)
        with location.open_verified(backup.path(manifest.DATABASE), backup.database) as archive:
            _close_connections()
            programs.load(programs_folder, archive, before=DROP_ALL, after=_row_check(backup.tables))
    except KeyboardInterrupt as error:
        raise BackupError(_("Stopped.")) from error
    # The backup may be of an earlier version.
    call_command("migrate", interactive=False, verbosity=0)
    _keep_trash()
    with connection.cursor() as cursor:
        # The dump has no statistics, and plans without them would be guesses.
        cursor.execute("ANALYZE")


def _keep_trash() -> None:
    """Keep pictures in the trash for KEPT_FOR whose time in it has ended."""
    if not settings.TRASH_DAYS:
        return
    since = timezone.now() - max(timedelta(days=settings.TRASH_DAYS) - KEPT_FOR, timedelta(0))
    with transaction.atomic():
        # The same time in both rows marks a picture whose object was missing (bucket_sync/object_import.py).
        objects = BucketObject.objects.filter(trashed_at__lt=since, image__trashed_at=F("trashed_at"))
        objects.update(trashed_at=since)
        Image.objects.filter(trashed_at__lt=since).update(trashed_at=since)


def _restore_files(location: Location, backup: Manifest, progress: Callable[[int, int], None]) -> None:
    """Copy the files that the storage lacks, before any row refers to them."""
    done = 0
    for chunk in _chunks(file_list.entries(location, backup)):
        _register(entry.key for entry in _lacking(chunk))
        for _restored in file_list.in_threads(partial(_restore_file, location), iter(chunk)):
            done += 1
            progress(done, backup.files)


def _chunks(entries: Iterator[BackupEntry]) -> Iterator[list[BackupEntry]]:
    missing = (entry for entry in entries if entry.content and not entry.key.startswith(BUCKET_ORIGINALS))
    while chunk := list(islice(missing, CHUNK)):
        for entry in chunk:
            if not KEY.fullmatch(entry.key):
                raise BackupError(_("The backup has a file with an invalid name: %(key)s.") % {"key": entry.key})
        yield chunk


def _lacking(chunk: list[BackupEntry]) -> list[BackupEntry]:
    is_there = file_list.in_threads(lambda entry: _is_stored(entry.key, entry.content), iter(chunk))
    return [entry for entry, there in zip(chunk, is_there, strict=True) if not there]


def _register(keys: Iterator[str]) -> None:
    """Let the sweeper delete these files if the restore fails and no row needs them."""
    # A restore replaces this table, so its rows are gone if it succeeds.
    if PendingBlob._meta.db_table in connection.introspection.table_names():
        rows = [PendingBlob(key=key, since=Now() + KEPT_FOR) for key in keys]
        PendingBlob.objects.bulk_create(rows, ignore_conflicts=True)


def _restore_file(location: Location, entry: BackupEntry) -> None:
    if entry.content is None or _is_stored(entry.key, entry.content):
        return
    try:
        with location.open_verified(manifest.content_name(entry.content.sha256), entry.content) as content:
            if blobs.exists(entry.key):  # it has other bytes
                blobs.remove(entry.key)
            blobs.put(entry.key, content)
    except (blobs.StorageError, SuspiciousOperation) as error:
        if not isinstance(error, blobs.BlobMissing):
            _remove_part(entry.key)
        raise BackupError(f"{entry.key}: {error}") from error


def _remove_part(key: str) -> None:
    with suppress(blobs.StorageError):  # it is registered
        blobs.remove(key)


def _is_stored(key: str, content: StoredFile | None) -> bool:
    try:
        if content is None or blobs.size(key) != content.size:
            return False
        if blobs.bucket_name():  # keys are never reused in it, and reading the file takes as long as copying it
            return True
        with blobs.get(key) as file:
            return measure(file) == content
    except blobs.BlobMissing:
        return False
    except (blobs.StorageError, OSError) as error:
        raise BackupError(str(error)) from error


def _row_check(tables: dict[str, int]) -> str:
    """SQL that fails unless each table has its number of rows."""
    if invalid := [name for name in tables if not re.fullmatch(r"\w+", name, re.ASCII)]:
        raise BackupError(_("The backup has a table with an invalid name: %(name)s.") % {"name": invalid[0]})
    # With the schema, since the script of pg_restore empties search_path.
    condition = "IF (SELECT count(*) FROM public.\"{0}\") <> {1} THEN RAISE 'table {0} has not all rows'; END IF;"
    checks = "".join(condition.format(name, int(rows)) for name, rows in tables.items())
    return f"DO $$ BEGIN {checks} END $$"


def _refuse_other_programs() -> None:
    """Raise BackupError while other programs are connected to the database."""
    _close_connections()
    deadline = time.monotonic() + CLOSING_SECONDS
    with connect() as own:
        # Connections that just ended, including ours, are listed for a moment.
        while others := own.execute(OTHERS).fetchone()[0]:  # type: ignore[index]
            if time.monotonic() > deadline:
                sentence = _("The database has %(number)s other connections. Stop web, workers and scheduler first.")
                raise BackupError(sentence % {"number": others})
            time.sleep(0.1)


def _close_connections() -> None:
    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's has one


def _server_version() -> int:
    with connect() as own:
        return own.info.server_version // 10_000
