import os
import tempfile
from pathlib import Path

import pytest

from analysis.ingest.folder_scan import image_files
from analysis.ingest.validation import InvalidImage
from tests import pictures


@pytest.fixture
def folder(tmp_path):
    """photos/ with pictures, other files, hidden ones and subfolders."""
    top = tmp_path / "photos"
    for name in ("b.jpg", "a.JPG", "broken.png", "IMG.CR2", "logo.svg", "notes.txt", "Thumbs.db", ".hidden.jpg"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(b"?")
    (top / "scan").write_bytes(pictures.every_format()["tiff"])
    (top / "picture.data").write_bytes(pictures.every_format()["heic"])
    (top / "nothing").write_bytes(b"")
    for name in ("2024", "2023/summer", ".git"):
        (top / name).mkdir(parents=True)
        (top / name / "c.webp").write_bytes(b"?")
    return top


def names(files, folder):
    return [path.relative_to(folder).as_posix() if not isinstance(path, InvalidImage) else str(path) for path in files]


def test_what_could_be_a_picture_is_found_in_order(folder):
    assert names(image_files([folder]), folder) == [
        "IMG.CR2",
        "a.JPG",
        "b.jpg",
        "broken.png",
        "logo.svg",
        "picture.data",
        "scan",
        "2023/summer/c.webp",
        "2024/c.webp",
    ]


def test_a_file_given_is_taken_whatever_its_name(folder):
    paths = [folder / "notes.txt", folder / ".hidden.jpg"]
    assert list(image_files(paths)) == paths


def test_what_is_missing_is_told_and_the_rest_goes_on(folder):
    missing, files = image_files([folder / "gone", folder / "a.JPG"])
    assert (missing.code, str(missing)) == ("unreadable", f"{folder}/gone: no such file or folder")
    assert files == folder / "a.JPG"


def test_links_are_followed_and_no_folder_is_visited_twice(folder):
    (folder / "2023" / "loop").symlink_to(folder)
    (folder / "2023" / "twin").symlink_to(folder / "2024")
    (folder / "zz.jpg").symlink_to(folder / "b.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "gone.jpg")
    (folder / "circle").symlink_to(folder / "circle")
    files = names(image_files([folder]), folder)
    assert [name for name in files if "/" in name or "zz" in name or "dangling" in name] == [
        "dangling.jpg",  # examined, and refused with a sentence
        "zz.jpg",
        "2023/summer/c.webp",
        "2023/twin/c.webp",
    ]


def test_a_folder_that_vanishes_on_the_way_is_told(folder):
    files = image_files([folder])
    assert next(files) == folder / "IMG.CR2"
    (folder / "2024" / "c.webp").unlink()
    (folder / "2024").rmdir()
    *_, last = files
    assert str(last) == f"{folder}/2024: the folder cannot be read (No such file or directory)"


@pytest.fixture
def ordinary_user():
    """Root reads every folder: for the time of a test, be nobody."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(before)


def test_a_folder_that_may_not_be_read_is_told(ordinary_user):
    with tempfile.TemporaryDirectory() as top:
        shut, open_ = Path(top) / "2023", Path(top) / "2024"
        for folder in (shut, open_):
            folder.mkdir()
            (folder / "c.webp").write_bytes(b"?")
        shut.chmod(0)
        (open_ / "link.webp").symlink_to(shut / "c.webp")
        files = list(image_files([Path(top), shut / "c.webp"]))
        shut.chmod(0o700)
    assert [str(path) for path in files] == [
        f"{shut}: the folder cannot be read (Permission denied)",
        str(open_ / "c.webp"),
        str(open_ / "link.webp"),  # examined, and refused with a sentence
        f"{shut}/c.webp: cannot be read (Permission denied)",
    ]


def test_a_folder_is_not_read_before_its_turn(folder):
    files = image_files([folder, folder / "never"])
    next(files)
    (folder / "2024" / "late.jpg").write_bytes(b"?")
    assert folder / "2024" / "late.jpg" in list(files)


def test_what_matches_an_exclusion_is_skipped_and_its_folder_not_entered(folder):
    files = names(image_files([folder], exclude=["2023/*", "*.SVG", "*a"]), folder)
    assert files == ["IMG.CR2", "a.JPG", "b.jpg", "broken.png", "scan", "2024/c.webp"]


def test_own_storage_is_skipped_in_a_walk_and_refused_when_given(folder):
    storage = folder / "var" / "pictures"
    (storage / "originals" / "ab").mkdir(parents=True)
    (storage / "originals" / "ab" / "x.jpg").write_bytes(b"?")
    (folder / "linked").symlink_to(storage)
    files = names(image_files([folder], own_storage=storage), folder)
    assert [name for name in files if "x.jpg" in name] == []
    assert "2024/c.webp" in files
    for inside in (storage, storage / "originals", storage / "originals" / "ab" / "x.jpg", folder / "linked"):
        [refused] = image_files([inside], own_storage=storage)
        assert str(refused) == f"{inside}: the library stores its own pictures here; choose another folder"


def test_a_storage_that_does_not_exist_yet_excludes_nothing(folder):
    assert "a.JPG" in names(image_files([folder], own_storage=folder / "never"), folder)
