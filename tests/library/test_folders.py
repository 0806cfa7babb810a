"""Folders of images from imports, uploads and keys, and their backfill."""

from io import BytesIO
from pathlib import Path

import pytest

from analysis import pipeline
from analysis.library import backfills, images
from analysis.library.folders import clean_path, get_or_create_folder, path_of_file, path_of_key
from analysis.models import Backfill, Folder, Image
from tests import pictures
from tests.factories import create_bucket, create_bucket_image, create_image

pytestmark = pytest.mark.django_db
HOSTILE = ("100%", "a_b", 'it\'s "quoted"', "back\\slash", "📷 été", "ü" * 900)


def paths(**fields) -> list[str]:
    return list(Folder.objects.filter(**fields).order_by("path").values_list("path", flat=True))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ""),
        ("/", ""),
        ("a/b", "a/b"),
        ("/a//b/", "a/b"),
        ("./a/../b", "a/b"),
        ("a\\b", "a/b"),
        ("  a  /\tb\n", "a/b"),
        ("e\u0301te\u0301/x", "été/x"),
        ("a\x00b\u202e/c", "ab/c"),
        ("/".join(["n" * 500] * 3), "/".join(["n" * 500] * 2)),
        ("ü" * 900, "ü" * 900),
        ("x" * 2000, "x" * 1024),
    ],
)
def test_clean_path_keeps_names_as_plain_text(path, expected):
    assert clean_path(path) == expected


def test_folders_are_created_once_with_those_above_them(owner, colleague):
    deep = get_or_create_folder("a/b/c", owner_id=owner.pk)
    assert get_or_create_folder("a/b/c", owner_id=owner.pk) == deep
    get_or_create_folder("a/d", owner_id=owner.pk)
    get_or_create_folder("a/b", owner_id=colleague.pk)
    bucket = create_bucket(owner)
    get_or_create_folder("a", bucket_id=bucket.pk)
    assert paths(owner=owner) == ["a", "a/b", "a/b/c", "a/d"]
    assert (paths(owner=colleague), paths(bucket=bucket)) == (["a", "a/b"], ["a"])
    folder = Folder.objects.get(pk=deep)
    assert (folder.name, folder.parent.path, folder.parent.parent.parent) == ("c", "a/b", None)
    assert get_or_create_folder("", owner_id=owner.pk) is None


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_kept_and_found_again(owner, name):
    path = clean_path(f"top/{name.replace(chr(92), '_')}")
    assert path.count("/") == 1
    assert get_or_create_folder(path, owner_id=owner.pk) == get_or_create_folder(path, owner_id=owner.pk)
    assert path_of_key(f"top/{name}/x.jpg") == path


def test_imported_file_keeps_its_path_from_the_imported_folder_on(owner, tmp_path):
    top = tmp_path / "family-archive"
    (top / "2019" / "summer").mkdir(parents=True)
    for number, file in enumerate((top / "2019" / "summer" / "a.jpg", top / "b.jpg", tmp_path / "single.jpg")):
        file.write_bytes(pictures.jpeg(64 + number, 48))
    result = list(pipeline.import_files([top, tmp_path / "single.jpg"], owner_id=owner.pk))
    assert [file.added.image.folder.path for file in result] == [
        "family-archive",
        "family-archive/2019/summer",
        clean_path(tmp_path.name),
    ]


def test_import_from_the_current_folder_uses_its_name(tmp_path, monkeypatch):
    (tmp_path / "2019").mkdir()
    monkeypatch.chdir(tmp_path)
    assert path_of_file(Path("2019/a.jpg"), [Path()]) == f"{tmp_path.name}/2019"


def test_importing_again_adds_the_folder_to_pictures_without_one(owner, pictures_folder):
    content = pictures.jpeg()
    image = pipeline.ingest_file(BytesIO(content), name="a.jpg", owner_id=owner.pk).image
    assert image.folder is None
    for folder in ("first", "second"):
        assert not pipeline.ingest_file(BytesIO(content), name="a.jpg", owner_id=owner.pk, folder=folder).is_new
    image.refresh_from_db()
    assert image.folder.path == "first"


def test_transferred_pictures_move_to_the_new_owners_folders(owner, colleague):
    bucket = create_bucket(owner)
    own = create_image(owner, folder_id=get_or_create_folder("a/b", owner_id=owner.pk))
    in_bucket = create_bucket_image(bucket, "x/y.jpg", folder_id=get_or_create_folder("x", bucket_id=bucket.pk))
    images.transfer([own.pk, in_bucket.pk], owner_id=colleague.pk)
    assert Image.objects.get(pk=own.pk).folder == Folder.objects.get(owner=colleague, path="a/b")
    assert Image.objects.get(pk=in_bucket.pk).folder == Folder.objects.get(bucket=bucket, path="x")
    own.refresh_from_db()
    own.owner = owner
    images.save_settings(own)
    assert Image.objects.get(pk=own.pk).folder == Folder.objects.get(owner=owner, path="a/b")


def test_backfill_adds_folders_of_keys_in_windows(owner):
    bucket = create_bucket(owner)
    keys = ["a/1.jpg", "a/b/2.jpg", "3.jpg", "a/4.jpg"]
    rows = [create_bucket_image(bucket, key) for key in keys]
    upload = create_image(owner, key="originals/aa/bb.jpg")
    Backfill.objects.all().delete()  # others are left by the migrations
    Backfill.objects.create(name="folders", cursor=rows[0].pk - 1)
    assert backfills.is_pending()
    assert not backfills.run_backfills(size=2)
    assert not backfills.is_pending()
    paths = Image.objects.order_by("pk").values_list("folder__path", flat=True)
    assert list(paths) == ["a", "a/b", None, "a", None]
    assert upload.folder is None


def test_backfill_stops_in_time(owner):
    create_bucket_image(create_bucket(owner), "a/1.jpg")
    Backfill.objects.update_or_create(name="folders", defaults={"cursor": 0})
    assert backfills.run_backfills(seconds=0.0)
    assert Image.objects.get().folder is None
