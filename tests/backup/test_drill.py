"""Drill: back up a library, lose it, restore it; every row and byte is the same."""

from __future__ import annotations

import io
import re
import resource
import shutil
import stat
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now
from django.utils import timezone

from analysis.backup import manifest
from analysis.backup.errors import BackupError
from analysis.backup.file_list import entries
from analysis.backup.location import Location
from analysis.backup.restore import restore
from analysis.curation import trash_deletion
from analysis.models import Backup, BucketObject, Image, PendingBlob, TrashDeletion
from analysis.storage import blobs, deletion_pause, orphaned_files
from imagelib.accounts.models import User
from imagelib.database_connection import connect
from tests.backup import library
from tests.factories import create_image

pytestmark = pytest.mark.django_db(transaction=True)


def run(command: str, *arguments, **options) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=out, no_color=True, **options)
    return out.getvalue()


def refusal(command: str, *arguments, **options) -> str:
    with pytest.raises(CommandError) as error:
        run(command, *arguments, **options)
    return str(error.value)


@contextmanager
def full_disk(*, largest: int):
    """Let no file grow beyond this number of bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def lose(pictures_folder) -> None:
    library.empty_database()
    shutil.rmtree(pictures_folder)


def test_lost_library_is_restored_row_by_row_and_byte_by_byte(tmp_path, pictures_folder) -> None:
    library.fill()
    target = tmp_path / "backups of photos"
    assert re.sub(r"[\d.]+ kB", "N kB", run("backup", target, verify=True)).splitlines() == [
        f"Backup {Backup.objects.get().name} in {target}: 6 pictures, N kB.",
        "13 files were new (N kB).",
        "SECRET_KEY and the other settings are not backed up: keep a copy of .env or var/secret_key elsewhere.",
        "Verified 13 files and the database (N kB): complete and unchanged.",
    ]
    name = Backup.objects.get().name
    rows, files = library.all_rows(), library.all_files(pictures_folder)
    assert sum(bool(table) for table in rows.values()) >= 40
    create_image(User.objects.get(), key="originals/new.jpg")
    blobs.put("originals/new.jpg", b"new")
    with pytest.raises(SystemExit):  # the row's hash is another
        run("backup", target)
    location = Location(str(target))
    assert len(list((target / "blobs").glob("*/*"))) == 14
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.rglob("*") if path.is_dir()} == {0o700}

    lose(pictures_folder)
    pictures_folder.touch()  # where nothing can be written
    assert refusal("restore", target, backup=name) == (
        "exports/dataset.csv could not be read: Not a directory. Nothing was restored; the library is unchanged."
    )
    pictures_folder.unlink()
    assert run("restore", target, backup=name).splitlines()[0].startswith(f"Restored {name}: 6 pictures, ")
    restored = library.all_rows()
    # The record of a backup is written when it is complete.
    assert (len(rows.pop("analysis_backup")), restored.pop("analysis_backup")) == (1, [])
    assert restored == rows
    assert library.all_files(pictures_folder) == files
    create_image(User.objects.get())  # with the next ID
    assert refusal("restore", target) == (
        "This library is not empty (7 pictures, 1 account, 1 bucket). To replace it, pass --replace."
        " Nothing was restored; the library is unchanged."
    )
    assert [manifest.read(location, made).missing for made in location.folders("backups")] == [0, 1]


def test_library_is_as_before_when_a_restore_fails(tmp_path, pictures_folder, monkeypatch) -> None:
    library.fill()
    target = tmp_path / "backups"
    run("backup", target)
    location = Location(str(target))
    listed = {entry.key: entry.content for entry in entries(location, manifest.read(location, ""))}
    lost = Image.objects.get(filename="dog.jpg")
    Image.objects.filter(pk=lost.pk).update(title="Changed since")
    blobs.remove(lost.key)
    rows, files = library.all_rows(), library.all_files(pictures_folder)

    def replace(word: str = "replace") -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{word}\n"))
        return refusal("restore", target, replace=True)

    assert replace("yes") == "Not confirmed. Nothing was restored; the library is unchanged."
    with full_disk(largest=20_000):
        assert replace() == (
            f"{lost.key}: The file could not be stored: File too large. Nothing was restored; the library is unchanged."
        )
    assert PendingBlob.objects.filter(key=lost.key).delete()[0] == 1
    content = target / manifest.content_name(listed[lost.key].sha256)
    intact = content.read_bytes()
    content.write_bytes(b"damaged" + intact[7:])
    damaged = "is damaged: its SHA-256 is not the one in the manifest."
    assert f"{content.relative_to(target)} in {target} {damaged}" in replace()
    PendingBlob.objects.filter(key=lost.key).delete()
    content.write_bytes(intact)
    dump = target / "backups" / Backup.objects.get().name / manifest.DATABASE
    dump.write_bytes(dump.read_bytes()[:-10])
    assert f"{dump.relative_to(target)} in {target} {damaged}" in replace()
    assert refusal("verify_backup", target).startswith("1 problem in the backup ")
    with connect() as other:
        assert replace().startswith("The database has 1 other connections. Stop web, workers and scheduler first.")
        assert other.execute("SELECT 1").fetchone() == (1,)
    assert library.all_rows() == rows
    assert library.all_files(pictures_folder) == files


def test_trash_of_an_old_backup_is_not_emptied_at_once(tmp_path, pictures_folder) -> None:
    """It may be restored for a picture that was deleted from the trash since."""
    library.fill()
    long_ago, yesterday = timezone.now() - timedelta(days=40), timezone.now() - timedelta(days=1)
    bucket_image = Image.objects.exclude(bucket=None)[0]
    Image.objects.filter(pk=bucket_image.pk).update(trashed_at=long_ago)
    BucketObject.objects.filter(image=bucket_image).update(trashed_at=long_ago)
    Image.objects.filter(filename="thrown away.jpg").update(trashed_at=long_ago)
    Image.objects.filter(filename="dog.jpg").update(trashed_at=yesterday)
    run("backup", tmp_path / "backups")
    lose(pictures_folder)
    run("restore", tmp_path / "backups")
    TrashDeletion.objects.all().delete()
    assert trash_deletion.request_expired() is None
    deletion_time = Image.objects.get(filename="thrown away.jpg").trashed_at + timedelta(days=settings.TRASH_DAYS)
    assert timedelta(days=6, hours=23) < deletion_time - timezone.now() < timedelta(days=7)
    assert Image.objects.get(filename="dog.jpg").trashed_at == yesterday
    assert BucketObject.objects.get(image=bucket_image).trashed_at == Image.objects.get(pk=bucket_image.pk).trashed_at


def test_files_of_a_failed_restore_that_the_library_needs_stay(tmp_path, pictures_folder) -> None:
    """The library had lost its files, and the restore copied them back.

    Then it could not replace the database.
    """
    library.fill()
    target = tmp_path / "backups"
    run("backup", target)
    files, location = library.all_files(pictures_folder), Location(str(target))
    shutil.rmtree(pictures_folder)
    made = manifest.read(location, "")
    impossible = replace(made, tables={**made.tables, Image._meta.db_table: 1_000})
    with pytest.raises(BackupError, match="table analysis_image has not all rows"):
        restore(location, impossible, progress=lambda _done, _all: None)
    PendingBlob.objects.update(since=Now() - timedelta(days=30))
    orphaned_files.delete(older_than=orphaned_files.MIN_AGE)
    kept = {name: content for name, content in files.items() if not name.startswith("renditions/")}
    assert library.all_files(pictures_folder) == kept
    assert PendingBlob.objects.filter(key__in=kept).exclude(key__startswith="uploads/").count() == 0


BEFORE_CENSUS = "0034_upload_targets"


def undo_migrations() -> list[str]:
    """Make the database that of the version before the census.

    Returns the migrations since then.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    call_command("migrate", "analysis", BEFORE_CENSUS, verbosity=0)
    return [name for app, name in applied if app == "analysis" and name > BEFORE_CENSUS]


def test_confirmed_restore_of_an_older_version_replaces_a_library(tmp_path, pictures_folder, monkeypatch) -> None:
    image = library.fill()
    missing = undo_migrations()
    run("backup", tmp_path)
    assert manifest.read(Location(str(tmp_path)), "").pictures == 6
    rows, files = library.all_rows(), library.all_files(pictures_folder)
    blobs.remove(image.key)
    blobs.put(image.key, b"overwritten")
    Image.objects.exclude(pk=image.pk).delete()
    monkeypatch.setattr(sys, "stdin", io.StringIO("replace\n"))
    run("restore", tmp_path, replace=True)
    restored = library.all_rows()
    # The migrations that the backup lacked were applied.
    assert restored.pop("analysis_bucketcensus") == []
    [export] = rows.pop("analysis_export")
    assert restored.pop("analysis_export") == [f"{export.removesuffix(')')},0)"]  # uncounted_attempts
    # The record of a backup is written when it is complete.
    assert (len(rows.pop("analysis_backup")), restored.pop("analysis_backup")) == (1, [])
    assert len(restored.pop("django_migrations")) == len(rows.pop("django_migrations")) + len(missing)
    assert restored == rows
    assert library.all_files(pictures_folder) == files


def test_backup_on_a_full_disk_is_none(tmp_path, pictures_folder) -> None:
    library.fill()
    with full_disk(largest=100_000):
        message = refusal("backup", tmp_path)
    assert message.endswith(
        f"could not be written to {tmp_path}: File too large. No backup was made. The next one will reuse the files"
        " that were copied."
    )
    assert [path for path in (tmp_path / "backups").rglob("*") if path.is_file()] == []
    assert refusal("restore", tmp_path).startswith("The backup ")
    assert not Backup.objects.exists()
    run("backup", tmp_path, verify=True)
    (tmp_path / "a file").touch()
    assert "could not be read: Not a directory. No backup was made." in refusal("backup", tmp_path / "a file")


def test_nothing_is_deleted_while_a_backup_runs(pictures_folder) -> None:
    blobs.register_pending(["originals/a.jpg"])
    blobs.put("originals/a.jpg", b"bytes")
    with connect() as backup:
        deletion_pause.pause(backup)
        blobs.delete_pending(["originals/a.jpg"])
        assert (blobs.exists("originals/a.jpg"), PendingBlob.objects.count()) == (True, 1)
        backup.execute("SELECT pg_advisory_unlock_all()")  # as the end of its connection does a moment later
    blobs.delete_pending(["originals/a.jpg"])
    assert (blobs.exists("originals/a.jpg"), PendingBlob.objects.count()) == (False, 0)
