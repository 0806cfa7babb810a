"""Backups that are cut short, damaged, or of another version are refused by name."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from analysis.backup import manifest, programs, restore
from analysis.backup.errors import BackupError
from analysis.backup.file_list import BackupEntry, contents_before
from analysis.backup.location import Location, StoredFile
from analysis.backup.manifest import Manifest

EMPTY = StoredFile(0, "")
MADE = Manifest(
    name="2026-01-01T000000Z",
    imagelib="0.1.0",
    created_at="2026-01-01T00:00:00+00:00",
    postgres=15,
    migrations=["analysis.0001_initial"],
    tables={},
    database=EMPTY,
    file_list=EMPTY,
    pictures=0,
    files=0,
    bytes=0,
    missing=0,
)
FILE = "backups/2026-01-01T000000Z/manifest.json"


@pytest.fixture
def location(tmp_path) -> Location:
    location = Location(str(tmp_path))
    manifest.write(location, MADE)
    return location


def refusal(location: Location, name: str = "") -> str:
    with pytest.raises(BackupError) as error:
        manifest.read(location, name)
    return str(error.value)


def test_manifest_is_read_as_written(location) -> None:
    assert manifest.read(location, "") == manifest.read(location, MADE.name) == MADE


def test_no_backup_at_all(tmp_path) -> None:
    assert refusal(Location(str(tmp_path))) == f"There is no backup in {tmp_path}."
    assert refusal(Location(str(tmp_path)), "other") == f"There is no backup other in {tmp_path}."


def test_backup_cut_short_names_the_missing_file_and_the_last_complete_one(location, tmp_path) -> None:
    (tmp_path / "backups" / "2026-02-02T000000Z").mkdir()
    assert refusal(location) == (
        "The backup 2026-02-02T000000Z is incomplete: backups/2026-02-02T000000Z/manifest.json is missing."
        " The latest complete backup is 2026-01-01T000000Z; choose it with --backup."
    )
    assert manifest.latest_complete(location) == MADE


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"format": 1}', json.dumps({"format": 1, "checksum": "0"})],
    ids=["empty", "list", "object", "no checksum", "wrong checksum"],
)
def test_damaged_manifest_is_named(location, tmp_path, content) -> None:
    (tmp_path / FILE).write_text(content)
    assert refusal(location) == f"{FILE} is damaged."


def test_changed_manifest_is_damaged(location, tmp_path) -> None:
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(text.replace('"missing": 0', '"missing": 1'))
    assert refusal(location) == f"{FILE} is damaged."


def test_other_format_asks_for_an_update(location, tmp_path) -> None:
    (tmp_path / FILE).write_text('{"format": 2, "checksum": ""}')
    assert refusal(location) == (
        f"{FILE} has the format 2, which this version of imagelib cannot read. Update imagelib."
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"imagelib": "9.0.0", "migrations": ["analysis.0001_initial", "analysis.9999_of_next_year"]},
            "The backup was made by imagelib 9.0.0, which is newer than this imagelib 0.1.0 (unknown migration"
            " analysis.9999_of_next_year). Update imagelib first.",
        ),
        ({"postgres": 99}, "The backup was made with PostgreSQL 99, but this server runs the older 18."),
    ],
    ids=["imagelib", "PostgreSQL"],
)
def test_newer_versions_are_refused(changes, sentence) -> None:
    with pytest.raises(BackupError) as error:
        restore.check(replace(MADE, **changes))
    assert str(error.value) == sentence


def test_missing_programs_are_named() -> None:
    with pytest.raises(BackupError) as error:
        programs.folder(12)
    assert str(error.value) == (
        "The server is PostgreSQL 12, but no pg_dump, pg_restore and psql of that version were found. Install its"
        " client programs (Debian: postgresql-client-12), and put them on the PATH."
    )


@pytest.mark.parametrize("name", ["", "/deep/er", "/.."])
def test_folder_of_the_pictures_is_no_target(name, pictures_folder) -> None:
    pictures_folder.mkdir()
    target = f"{pictures_folder}{name}" if name != "/.." else f"{pictures_folder}/a/.."
    with pytest.raises(BackupError, match="is inside the folder where pictures are stored"):
        Location(target)


def test_bucket_without_a_name() -> None:
    with pytest.raises(BackupError, match="is not a bucket URL"):
        Location("s3://")


def test_contents_are_found_by_key_in_the_list_before() -> None:
    first, third = StoredFile(1, "1"), StoredFile(3, "3")
    before = [BackupEntry("a", first), BackupEntry("b", None), BackupEntry("d", third)]
    contents = list(contents_before(["a", "b", "c", "d", "e"], iter(before), key_of=str))
    assert contents == [("a", first), ("b", None), ("c", None), ("d", third), ("e", None)]
