import os
import tempfile
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.curation import trash
from analysis.models import Analysis, Image
from tests import pictures

pytestmark = pytest.mark.django_db


def run(*arguments, **options):
    """The command's outcome: exit status and what it printed."""
    out = StringIO()
    try:
        call_command("import_images", *arguments, stdout=out, **options)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "holiday photos"
    (folder / "deeper").mkdir(parents=True)
    (folder / "one.jpg").write_bytes(pictures.jpeg(seed=1))
    (folder / "deeper" / "two.png").write_bytes(pictures.png(seed=2))
    return folder


def test_folder_is_imported_once(owner, folder):
    assert run(folder) == (0, "Imported 2, skipped 0 already in the library, rejected 0.\n")
    assert run(folder) == (0, "Imported 0, skipped 2 already in the library, rejected 0.\n")
    assert sorted(image.filename for image in Image.objects.all()) == ["one.jpg", "two.png"]
    assert {image.owner for image in Image.objects.all()} == {owner}
    assert Analysis.objects.filter(state="queued").count() == 6


def test_file_date_is_the_date_taken_of_a_picture_without_one(owner, folder, settings):
    dated = folder / "dated.jpg"
    dated.write_bytes(pictures.with_exif())
    for file in (dated, folder / "one.jpg"):
        os.utime(file, (1555079400, 1555079400))
    assert run(folder)[0] == 0
    in_utc = "2019-04-12T14:30:00+00:00"  # TIME_ZONE
    dates = {image.filename: (image.taken_source, image.taken_at) for image in Image.objects.all()}
    assert dates.pop("dated.jpg")[0] == "picture"
    assert dates == {"one.jpg": ("file", datetime.fromisoformat(in_utc)), "two.png": ("", None)}


def test_trashed_pictures_are_reported_and_stay(owner, folder):
    run(folder)
    trash.trash([Image.objects.get(filename="one.jpg").pk])
    trashed = "1 of them is in the trash. To restore it, search for is:trashed.\n"
    assert run(folder) == (0, f"Imported 0, skipped 2 already in the library, rejected 0.\n{trashed}")
    trash.trash([Image.objects.get(filename="two.png").pk])
    assert "\n2 of them are in the trash. " in run(folder)[1]
    assert Image.objects.count() == 2


def test_rejected_files_are_reported_and_rest_is_imported(owner, folder, capsys):
    for name, content, _ in pictures.bad_files().values():
        (folder / name).write_bytes(content)
    (folder / "closed.jpg").symlink_to(folder / "closed.jpg")
    expected = {name for name, _, _ in pictures.bad_files().values() if not name.endswith((".zip", ".pdf", ".mp4"))}
    rejected = len(expected | {"closed.jpg"})
    status, output = run(folder)
    assert (status, output) == (1, f"Imported 2, skipped 0 already in the library, rejected {rejected}.\n")
    errors = capsys.readouterr().err.splitlines()
    assert f"rejected: half.jpg: {_reason('half.jpg')} (in {folder})" in errors
    assert len(errors) == rejected


def _reason(name):
    from io import BytesIO

    from analysis.ingest.examine import examine
    from analysis.ingest.validation import InvalidImage

    content = next(content for filename, content, _ in pictures.bad_files().values() if filename == name)
    with pytest.raises(InvalidImage) as caught:
        examine(BytesIO(content), name=name)
    return caught.value.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no/such/folder"], "There is no file or folder no/such/folder."),
        ([""], "The path is empty. Pass a folder, or . for the current one."),
        (["x" * 300], f"{'x' * 200}… cannot be read: File name too long."),
        ([".", "--owner", "ghost"], "There is no user “ghost”."),
        (["."], "There is more than one user. Pass --owner USERNAME."),
    ],
)
def test_wrong_usage(owner, colleague, arguments, message):
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert (str(caught.value), caught.value.returncode) == (message, 2)


def test_import_without_users_is_refused(db):
    with pytest.raises(CommandError, match=r"There are no users yet\. Create one with: manage\.py createsuperuser"):
        run(".")


def test_failing_storage_ends_import(owner, folder, pictures_folder, capsys):
    pictures_folder.write_text("a file where the folder should be")
    for number in range(6):
        (folder / f"more-{number}.jpg").write_bytes(pictures.jpeg(seed=10 + number))
    with pytest.raises(CommandError, match="The storage rejects all files"):
        run(folder)
    assert not Image.objects.exists()
    assert len(capsys.readouterr().err.splitlines()) == 5


def test_own_storage_is_not_imported(owner, folder, settings, tmp_path, monkeypatch):
    pictures_folder = tmp_path / "pictures"
    default = settings.STORAGES["default"]
    options = {**default["OPTIONS"], "location": pictures_folder}
    settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}
    run(folder)
    monkeypatch.chdir(tmp_path)
    assert run(".") == (0, "Imported 0, skipped 2 already in the library, rejected 0.\n")
    assert run(pictures_folder / "renditions")[1] == "Imported 0, skipped 0 already in the library, rejected 1.\n"
    assert Image.objects.count() == 2


def test_excluded_paths_are_skipped(owner, folder):
    assert run(folder, "--exclude", "deeper/*", "--exclude", "*.gif") == (
        0,
        "Imported 1, skipped 0 already in the library, rejected 0.\n",
    )


def test_unreadable_folder_is_reported(owner):
    before = os.geteuid()
    with tempfile.TemporaryDirectory() as top:
        shut = Path(top) / "shut"
        shut.mkdir(mode=0)
        Path(top).chmod(0o755)
        try:
            if before == 0:
                os.seteuid(65_534)
            with pytest.raises(CommandError) as caught:
                run(shut / "a.jpg")
        finally:
            os.seteuid(before)
            shut.chmod(0o700)
    assert (str(caught.value), caught.value.returncode) == (f"{shut / 'a.jpg'} cannot be read: Permission denied.", 2)
