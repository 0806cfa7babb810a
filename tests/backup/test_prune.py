"""Old backups are deleted with the files that only they have, and nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from analysis.backup import manifest
from analysis.backup.errors import BackupError
from analysis.backup.file_list import BackupEntry
from analysis.backup.location import Location, StoredFile, measure
from analysis.backup.prune import Pruned, prune
from analysis.models import Backup, Image
from analysis.storage import blobs
from imagelib.database_connection import connect
from tests.backup import library
from tests.backup.test_manifest import MADE
from tests.factories import create_image, create_user

DAYS = [f"2026-01-0{day}T000000Z" for day in range(1, 5)]


@pytest.fixture
def location(tmp_path) -> Location:
    """Backups of four days; each has its own file, the day before's, and a common one."""
    location = Location(str(tmp_path))
    for day, name in enumerate(DAYS):
        write(location, name, [b"all", f"day {day}".encode(), f"day {day - 1}".encode()])
    return location


def write(location: Location, name: str, contents: list[bytes]) -> None:
    lines = b""
    for content in contents:
        stored = StoredFile(len(content), hashlib.sha256(content).hexdigest())
        location.save(manifest.content_name(stored.sha256), io.BytesIO(content))
        lines += BackupEntry(content.decode(), stored).as_line()
    packed = io.BytesIO(gzip.compress(lines))
    made = replace(MADE, name=name, file_list=measure(packed))
    location.save(made.path(manifest.FILE_LIST), packed)
    location.save(made.path(manifest.DATABASE), io.BytesIO(b"dump"))
    manifest.write(location, made)
    now = timezone.now()
    Backup.objects.create(location=location.text, name=name, created_at=now, pictures=0, files=3, bytes=9, missing=0)


def contents(folder: Path) -> set[str]:
    return {path.read_text() for path in (folder / "blobs").rglob("*") if path.is_file()}


def folders(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "backups").iterdir())


@pytest.mark.django_db
def test_oldest_backups_go_with_the_files_that_only_they_have(location, tmp_path) -> None:
    assert prune(location, keep=4, newest=DAYS[3]) == Pruned([], 0, 0)
    assert prune(location, keep=2, newest=DAYS[3]) == Pruned(DAYS[:2], 2, 11)
    assert folders(tmp_path) == DAYS[2:]
    assert contents(tmp_path) == {"all", "day 1", "day 2", "day 3"}
    assert list(Backup.objects.order_by("name").values_list("name", flat=True)) == DAYS[2:]


@pytest.mark.django_db
def test_new_backup_stays_though_the_clock_was_set_back(location, tmp_path) -> None:
    assert prune(location, keep=1, newest=DAYS[0]).backups == DAYS[1:3]
    assert folders(tmp_path) == [DAYS[0], DAYS[3]]
    assert contents(tmp_path) == {"all", "day -1", "day 0", "day 2", "day 3"}


@pytest.mark.django_db
def test_interrupted_backups_and_deletions_are_finished(location, tmp_path) -> None:
    for name in DAYS[:2]:
        (tmp_path / "backups" / name / manifest.MANIFEST).unlink()
    lost, cut = (tmp_path / "backups" / name / manifest.FILE_LIST for name in DAYS[:2])
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:-12])  # its beginning can be read
    assert prune(location, keep=2, newest=DAYS[3]).backups == DAYS[:2]
    assert folders(tmp_path) == DAYS[2:]
    assert {"all", "day 1", "day 2", "day 3"} <= contents(tmp_path) <= {"all", *(f"day {day}" for day in range(-1, 4))}


@pytest.mark.django_db
@pytest.mark.parametrize("day", [0, 2], ids=["to delete", "to keep"])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [('{"format": 2, "checksum": ""}', "has the format 2, which this version"), ("", "is damaged")],
    ids=["newer", "damaged"],
)
def test_unreadable_backup_keeps_all(location, tmp_path, day, text, sentence) -> None:
    (tmp_path / "backups" / DAYS[day] / manifest.MANIFEST).write_text(text)
    assert_nothing_deleted(location, tmp_path, sentence)


@pytest.mark.django_db
def test_damaged_list_of_a_backup_to_keep_keeps_all(location, tmp_path) -> None:
    (tmp_path / "backups" / DAYS[2] / manifest.FILE_LIST).write_bytes(b"")
    assert_nothing_deleted(location, tmp_path, "is damaged: its SHA-256")


@pytest.mark.django_db
def test_nothing_is_deleted_while_a_backup_runs(location, tmp_path) -> None:
    with connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [0x62_61_63_6B_75_70])
        assert_nothing_deleted(location, tmp_path, "Another backup of this library is running.")


def assert_nothing_deleted(location: Location, folder: Path, sentence: str) -> None:
    before = library.all_files(folder)
    with pytest.raises(BackupError, match=sentence):
        prune(location, keep=2, newest=DAYS[3])
    assert library.all_files(folder) == before


def run(target: Path, **options) -> list[str]:
    out = StringIO()
    try:
        call_command("backup", str(target), stdout=out, stderr=out, no_color=True, **options)
    except SystemExit:
        out.write("exit status 1\n")
    return out.getvalue().splitlines()


@pytest.mark.django_db(transaction=True)
def test_command_keeps_the_latest_unless_files_are_missing(tmp_path, pictures_folder) -> None:
    with pytest.raises(CommandError, match=r"^--keep must be at least 1\. No backup was made\.$"):
        run(tmp_path, keep=0)
    owner = create_user("owner")
    image = create_image(owner, key="originals/a.jpg", sha256=hashlib.sha256(b"first").hexdigest(), size=5)
    blobs.put("originals/a.jpg", b"first")
    run(tmp_path, without_renditions=True)
    lost = create_image(owner, key="originals/b.jpg")
    sentence = "No older backup was deleted because this one lacks files that an older one may have."
    assert run(tmp_path, keep=1, without_renditions=True)[-2:] == [sentence, "exit status 1"]
    assert (len(folders(tmp_path)), contents(tmp_path)) == (2, {"first"})

    lost.delete()
    blobs.put("originals/c.jpg", b"other")
    Image.objects.filter(pk=image.pk).update(key="originals/c.jpg", sha256=hashlib.sha256(b"other").hexdigest())
    lines = run(tmp_path, keep=1, without_renditions=True)
    assert lines[-1] == "Deleted 2 older backups and 1 file (5 bytes)."
    assert (folders(tmp_path), contents(tmp_path)) == ([Backup.objects.get().name], {"other"})
