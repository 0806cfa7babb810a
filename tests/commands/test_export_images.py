"""manage.py export_images: a whole file or none."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Pillow

from analysis import pipeline
from analysis.curation import verdicts
from analysis.models import Export
from analysis.recognition.reindex_images import reindex
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_analysis, create_labeled_image

pytestmark = pytest.mark.django_db


def jpeg_file() -> io.BytesIO:
    return io.BytesIO(pictures.encoded(pictures.photo(), "jpeg"))


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
        ({"user": "nobody"}, "There is no user “nobody”."),
        ({"min_confidence": 101.0}, "min_confidence must be a number from 0 to 100."),
        ({"line_width": 21}, "line_width must be a number from 1 to 20."),
        ({"dataset": "Dogs"}, "A dataset belongs to a user: add --user NAME."),
        ({"dataset": " ", "user": "owner"}, "A dataset needs a name."),
        ({"dataset": "x" * 101, "user": "owner"}, "The name of a dataset may have at most 100 characters."),
        ({"dataset_version": 1}, "--dataset-version requires --dataset."),
        (
            {"dataset": "Dogs", "dataset_version": 7, "user": "owner"},
            "There is no version 7 of the dataset “Dogs”.",
        ),
        ({"output": "/nowhere/file.csv"}, "/nowhere/file.csv was not written: No such file or directory."),
    ],
)
def test_errors_say_what_to_do(options, sentence, owner):
    options = dict(options)
    arguments = [options.pop("query")] if "query" in options else []
    with pytest.raises(CommandError, match="^" + sentence.replace("(", r"\(")):
        call_command("export_images", *arguments, **options)


def test_a_full_disk_leaves_the_earlier_file(owner, tmp_path, monkeypatch):
    from analysis.management.commands import export_images

    path = tmp_path / "all.jsonl"
    path.write_text("earlier")

    def full_disk(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_images, "_copy", full_disk)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("export_images", output=str(path))
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_columns_and_kinds_are_chosen(owner, tmp_path):
    image = create_labeled_image(owner, {"Dog": 99.0})
    verdicts.add(image.pk, name="Rex", by_id=owner.pk)
    path = tmp_path / "tags.csv"
    arguments = ["--format", "csv", "--kind", "tag", "--kind", "face", "--column", "label", "--column", "kind"]
    call_command("export_images", *arguments, "--output", str(path))
    assert path.read_text(encoding="utf-8-sig").splitlines() == ["label,kind", "Rex,tag"]


def test_boxes_are_drawn_as_chosen(owner, tmp_path):
    image = pipeline.ingest_file(jpeg_file(), name="dog.jpg", owner_id=owner.pk).image
    image.analyses.all().delete()
    box = {"BoundingBox": {"Left": 0.1, "Top": 0.2, "Width": 0.5, "Height": 0.25}, "Confidence": 90.0}
    create_analysis(image, state="done", answer={"Labels": [{"Name": "Dog", "Confidence": 95.0, "Instances": [box]}]})
    reindex([image.pk])
    path = tmp_path / "dogs.zip"
    style = ["--line-width", "20", "--palette", "contrast", "--position", "bottom"]
    call_command("export_images", "--format", "annotated", *style, "--output", str(path))
    [name] = (archive := zipfile.ZipFile(path)).namelist()
    picture = Pillow.open(io.BytesIO(archive.read(name)))
    inside_the_line = (round(0.1 * picture.width) + 15, round(0.3 * picture.height))
    red, green, blue = picture.getpixel(inside_the_line)
    assert (red > 200, green > 200, blue < 90) == (True, True, True)


def test_a_dataset_is_frozen_and_written_again(owner, tmp_path, capsys):
    create_labeled_image(owner, {"Dog": 99.0})
    call_command("export_images", "dog", "--user", "owner", "--dataset", " Dogs ")
    dataset = Export.objects.get()
    assert (dataset.name, dataset.version, dataset.state, dataset.written) == ("Dogs", 1, "done", 1)
    assert capsys.readouterr().out.startswith("Dogs, version 1: 1 picture, ")
    create_labeled_image(owner, {"Dog": 98.0})
    path = tmp_path / "dogs.jsonl"
    again = ["--user", "owner", "--dataset", "Dogs", "--dataset-version", "1", "--output", str(path)]
    call_command("export_images", *again)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == dataset.sha256
    call_command("export_images", "dog", "--user", "owner", "--dataset", "Dogs", "--output", str(path))
    assert (len(path.read_text().splitlines()), Export.objects.get(version=2).written) == (2, 2)
    blobs.remove(dataset.key)
    blobs.put(dataset.key, io.BytesIO(b"changed"))
    with pytest.raises(CommandError, match="its checksum differs"):
        call_command("export_images", *again)
    assert len(path.read_text().splitlines()) == 2
