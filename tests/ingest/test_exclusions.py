"""One rule for every door: which folders no pictures are taken from."""

import pytest

from analysis.bucket_sync.key_filter import KeyFilter
from analysis.ingest.exclusions import is_in_system_folder, is_system_folder, matches
from analysis.ingest.folder_scan import image_files

SYSTEM = [
    *("@eaDir", "#recycle", "#snapshot", "@Recycle", "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information"),
    *("lost+found", "__MACOSX", ".thumbnails", ".Trash-1000", ".@__thumb", "Catalog Previews.lrdata"),
]


@pytest.mark.parametrize("name", SYSTEM)
def test_folders_of_devices_and_systems_are_skipped_by_folder_scan_and_bucket_key(name, tmp_path):
    (tmp_path / "2024" / name / "deeper").mkdir(parents=True)
    (tmp_path / "2024" / name / "deeper" / "SYNOPHOTO_THUMB_M.jpg").write_bytes(b"?")
    (tmp_path / "2024" / "a.jpg").write_bytes(b"?")
    assert is_system_folder(name)
    assert list(image_files([tmp_path])) == [tmp_path / "2024" / "a.jpg"]
    assert not KeyFilter().accepts(f"2024/{name}/deeper/SYNOPHOTO_THUMB_M.jpg")
    assert KeyFilter(prefix=f"2024/{name}/").accepts(f"2024/{name}/a.jpg")


@pytest.mark.parametrize("name", ["2024", "recycle", "eaDir", "Previews", "lost and found", "#1 best", "@home"])
def test_other_folders_are_not(name):
    assert not is_system_folder(name)
    assert KeyFilter().accepts(f"{name}/a.jpg")


@pytest.mark.parametrize("path", [".hidden.jpg", "a/._b.jpg", ".git/a.jpg", "a/.thumbnails/b.jpg"])
def test_hidden_files_and_what_lies_in_hidden_folders_are_skipped(path):
    assert is_in_system_folder(path)
    assert not KeyFilter(include=("*.jpg",)).accepts(path)


def test_a_path_that_goes_up_or_begins_at_the_root_is_not_hidden():
    assert not is_in_system_folder("../a.jpg")
    assert not is_in_system_folder("/photos/./a.jpg")


def test_patterns_are_the_shells_and_a_star_crosses_slashes():
    assert matches("2024/Thumbs/a/b.jpg", ["*/thumbs/*"])
    assert not matches("thumbs.jpg", ["*/thumbs/*", "thumbs"])
