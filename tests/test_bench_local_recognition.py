"""Figures and tables of the local recognizer's evaluation."""

from __future__ import annotations

from collections import Counter

from analysis.recognition.local import vocabulary
from bench.local_recognition.__main__ import report
from bench.local_recognition.pictures import FOLDER, Picture, _rows, pictures
from bench.local_recognition.scores import (
    Outcome,
    by_label,
    photos_with_a_right_label,
    precision,
    recall,
    specific_precision,
)


def picture(labels=(), acceptable=(), *, is_photo=True, is_test=True):
    return Picture("package", "folder/file.jpg", is_photo, is_test, frozenset(labels), frozenset(acceptable))


CAT = Outcome(picture({"Cat"}), frozenset({"Cat", "Pet", "Mammal", "Animal"}))
BUS = Outcome(picture({"Bus", "Person"}, {"Building"}), frozenset({"Truck", "Vehicle", "Transportation", "Building"}))
NOTHING = Outcome(picture({"Rocket"}), frozenset())
DRAWING = Outcome(picture(is_photo=False), frozenset({"Scissors"}))
PERSON = Outcome(picture({"Person"}), frozenset({"Person"}))
OUTCOMES = [CAT, BUS, NOTHING, DRAWING]


def test_precision_counts_ancestors_and_acceptable_labels_as_right():
    assert precision(OUTCOMES) == (4 + 3 + 0) / (4 + 4 + 1)


def test_precision_without_ancestors():
    assert specific_precision(OUTCOMES) == (1 + 1 + 0) / (1 + 2 + 1)


def test_photographs_with_a_right_label_leave_out_drawings():
    assert photos_with_a_right_label(OUTCOMES) == 2 / 3
    assert photos_with_a_right_label([CAT], other_than="Cat") == 1.0
    assert photos_with_a_right_label([DRAWING, PERSON], other_than="Person") == 0.0


def test_recall_is_of_the_main_labels():
    assert recall(OUTCOMES) == 1 / 4


def test_no_labels_at_all_have_no_precision():
    assert (precision([NOTHING]), recall([DRAWING])) == (0.0, 0.0)


def test_figures_by_label():
    rows = {name: figures for name, *figures in by_label(OUTCOMES)}

    assert (rows["Cat"], rows["Truck"], rows["Bus"]) == ([1, 1, 1], [1, 0, 0], [0, 0, 1])


def test_report_is_of_the_test_half():
    tuned = Outcome(picture({"Dog"}, is_test=False), frozenset({"Cat"}))

    result = report([CAT, tuned], milliseconds=50.0)

    assert [measurement.value for measurement in result.measurements] == [1.0, 1.0, 1.0, 1.0, 1.0, 50.0]
    assert result.notes[0] == "1 pictures, of which 1 photographs; the thresholds were chosen on 1 others:"


def test_pictures_are_listed_once_with_known_labels():
    listed = pictures()
    files = Counter((item.package, item.file) for item in listed)

    assert len(listed) >= 60
    assert [key for key, number in files.items() if number > 1] == []
    assert {name for item in listed for name in item.labels | item.acceptable} - set(vocabulary.labels()) == set()
    assert {row["kind"] for row in _rows("pictures.csv")} == {"photo", "other"}
    assert {row["split"] for row in _rows("pictures.csv")} == {"tune", "test"}
    assert sum(item.is_test and item.is_photo for item in listed) >= 25


def test_every_package_has_a_version_and_a_hash():
    packages = _rows("packages.csv")

    assert {row["package"] for row in packages} == {item.package for item in pictures()}
    for row in packages:
        prefix = {"npm": "sha512-", "pypi": "sha256:", "installed": ""}[row["registry"]]
        assert row["hash"].startswith(prefix)
        assert bool(row["version"]) is (row["registry"] != "installed")


def test_no_picture_is_in_the_repository():
    assert {path.suffix for path in FOLDER.iterdir() if path.is_file()} == {".csv", ".py"}
