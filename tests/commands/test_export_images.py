"""manage.py export_images: a whole file or none."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db


def test_writes_the_results_of_a_search_to_a_file(owner, tmp_path):
    dog = create_labeled_image(owner, {"Dog": 99.0, "Pet": 50.0})
    create_labeled_image(owner, {"Cat": 99.0})
    path = tmp_path / "dogs.jsonl"
    call_command("export_images", "dog", output=str(path), min_confidence=60.0)
    [line] = path.read_text().splitlines()
    assert json.loads(line)["id"] == dog.pk
    assert [label["name"] for label in json.loads(line)["labels"]] == ["Dog"]
    assert list(tmp_path.iterdir()) == [path]


def test_standard_output_and_a_users_view(owner, colleague, capfdbinary):
    create_labeled_image(colleague, {"Dog": 99.0})
    call_command("export_images", user="owner")
    assert capfdbinary.readouterr().out == b""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"query": "(("}, "Invalid search, column"),
        ({"user": "nobody"}, "There is no user nobody."),
        ({"output": "/nowhere/file.csv"}, "/nowhere/file.csv was not written: No such file or directory."),
    ],
)
def test_errors_say_what_to_do(options, sentence, db):
    arguments = [options.pop("query")] if "query" in options else []
    with pytest.raises(CommandError, match="^" + sentence.replace("(", r"\(")):
        call_command("export_images", *arguments, **options)


def test_a_full_disk_leaves_the_earlier_file(owner, tmp_path, monkeypatch):
    from analysis.management.commands import export_images

    path = tmp_path / "all.jsonl"
    path.write_text("earlier")

    def full_disk(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_images, "_write", full_disk)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("export_images", output=str(path))
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]
