import os
import tempfile
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


def test_a_folder_is_imported_once(owner, folder):
    assert run(folder) == (0, "2 imported, 0 already here, 0 refused.\n")
    assert run(folder) == (0, "0 imported, 2 already here, 0 refused.\n")
    assert sorted(image.filename for image in Image.objects.all()) == ["one.jpg", "two.png"]
    assert {image.owner for image in Image.objects.all()} == {owner}
    assert Analysis.objects.filter(state="queued").count() == 6


def test_what_lies_in_the_trash_stays_there_and_is_said(owner, folder):
    run(folder)
    trash.trash([Image.objects.get(filename="one.jpg").pk])
    trashed = "1 of them is in the trash: search for is:trashed to restore what you want back.\n"
    assert run(folder) == (0, f"0 imported, 2 already here, 0 refused.\n{trashed}")
    trash.trash([Image.objects.get(filename="two.png").pk])
    assert "\n2 of them are in the trash: " in run(folder)[1]
    assert Image.objects.count() == 2


def test_what_is_refused_is_said_and_the_others_go_on(owner, folder, capsys):
    for name, content, _ in pictures.bad_files().values():
        (folder / name).write_bytes(content)
    (folder / "closed.jpg").symlink_to(folder / "closed.jpg")
    expected = {name for name, _, _ in pictures.bad_files().values() if not name.endswith((".zip", ".pdf", ".mp4"))}
    refused = len(expected | {"closed.jpg"})
    status, said = run(folder)
    assert (status, said) == (1, f"2 imported, 0 already here, {refused} refused.\n")
    complaints = capsys.readouterr().err.splitlines()
    assert f"refused: half.jpg: {_reason('half.jpg')} (in {folder})" in complaints
    assert len(complaints) == refused


def _reason(name):
    from io import BytesIO

    from analysis.ingest.examine import examine
    from analysis.ingest.validation import InvalidImage

    content = next(content for each, content, _ in pictures.bad_files().values() if each == name)
    with pytest.raises(InvalidImage) as caught:
        examine(BytesIO(content), name=name)
    return caught.value.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no/such/folder"], "There is no no/such/folder."),
        ([""], "An empty path was given. Name a folder, or . for the current one."),
        (["x" * 300], f"{'x' * 200}… cannot be read: File name too long."),
        ([".", "--owner", "ghost"], "There is nobody called 'ghost'."),
        (["."], "Say whose pictures these are with --owner USERNAME."),
    ],
)
def test_wrong_usage(owner, colleague, arguments, message):
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert (str(caught.value), caught.value.returncode) == (message, 2)


def test_without_anybody_there_is_no_owner(db):
    with pytest.raises(CommandError, match=r"make one with `manage\.py createsuperuser`"):
        run(".")


def test_a_storage_that_takes_nothing_ends_the_import(owner, folder, pictures_folder, capsys):
    pictures_folder.write_text("a file where the folder should be")
    for number in range(6):
        (folder / f"more-{number}.jpg").write_bytes(pictures.jpeg(seed=10 + number))
    with pytest.raises(CommandError, match="The storage takes no pictures"):
        run(folder)
    assert not Image.objects.exists()
    assert len(capsys.readouterr().err.splitlines()) == 5


def test_own_storage_is_never_imported(owner, folder, pictures_folder, monkeypatch):
    run(folder)
    monkeypatch.chdir(pictures_folder.parent)
    assert run(".") == (0, "0 imported, 2 already here, 0 refused.\n")
    assert run(pictures_folder / "renditions")[1] == "0 imported, 0 already here, 1 refused.\n"
    assert Image.objects.count() == 2


def test_excluded_paths_are_left_out(owner, folder):
    assert run(folder, "--exclude", "deeper/*", "--exclude", "*.gif") == (0, "1 imported, 0 already here, 0 refused.\n")


def test_a_path_in_an_unreadable_folder_gets_a_sentence(owner):
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
