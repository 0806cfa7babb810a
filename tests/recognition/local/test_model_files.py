"""Prepared models: complete or not at all, by any process at any time."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from analysis.recognition.local import configuration
from analysis.recognition.local.configuration import Configuration
from analysis.recognition.local.model_files import ModelUnavailable, PreparedModel

MODEL = PreparedModel("toy", source="abc", recipe=1)


@pytest.fixture
def folder(tmp_path):
    configuration.configure(Configuration(folder=tmp_path / "models"))
    return tmp_path / "models"


def fail() -> bytes:
    raise AssertionError("made again")


def test_model_is_made_once(folder):
    assert MODEL.record() is None
    assert MODEL.prepare(lambda: b"content")
    assert not MODEL.prepare(fail)
    assert MODEL.verified_path().read_bytes() == b"content"
    assert json.loads((folder / "toy.json").read_text())["source"] == "abc"
    assert sorted(path.name for path in folder.iterdir()) == ["toy.json", "toy.lock", "toy.onnx"]


@pytest.mark.parametrize("damage", [b"cont", b"CONTENT", b""])
def test_changed_file_is_refused_and_made_again(damage, folder):
    MODEL.prepare(lambda: b"content")
    (folder / "toy.onnx").write_bytes(damage)

    with pytest.raises(ModelUnavailable, match=r"toy\.onnx was changed or cut off. Run `manage.py prepare_models`"):
        MODEL.verified_path()
    assert MODEL.prepare(lambda: b"content")
    assert MODEL.verified_path().read_bytes() == b"content"


@pytest.mark.parametrize("other", [PreparedModel("toy", "new source", 1), PreparedModel("toy", "abc", 2)])
def test_model_of_another_source_or_recipe_is_made_again(other, folder):
    MODEL.prepare(lambda: b"content")

    assert other.record() is None
    assert other.prepare(lambda: b"newer")
    assert other.verified_path().read_bytes() == b"newer"


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"source": "abc"}'])
def test_damaged_record_counts_as_none(record, folder):
    MODEL.prepare(lambda: b"content")
    (folder / "toy.json").write_text(record)

    with pytest.raises(ModelUnavailable, match="The model toy is not prepared"):
        MODEL.verified_path()
    assert MODEL.prepare(lambda: b"content")


def test_missing_file_is_made_again(folder):
    MODEL.prepare(lambda: b"content")
    (folder / "toy.onnx").unlink()

    assert MODEL.record() is None
    assert MODEL.prepare(lambda: b"content")


def test_interrupted_preparation_leaves_nothing_behind(folder):
    with pytest.raises(ModelUnavailable, match="no reason"):
        MODEL.prepare(unavailable)

    assert MODEL.record() is None
    assert [path.name for path in folder.iterdir()] == ["toy.lock"]


def unavailable() -> bytes:
    raise ModelUnavailable("no reason")


def test_folder_that_cannot_be_written_is_named(tmp_path, folder):
    (tmp_path / "file").touch()
    configuration.configure(Configuration(folder=tmp_path / "file" / "models"))

    with pytest.raises(ModelUnavailable, match=r"cannot be stored in .*/file/models: Not a directory"):
        MODEL.prepare(lambda: b"content")


def test_processes_that_prepare_at_once_make_one_file(folder):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    processes = [context.Process(target=prepare_together, args=(folder, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert sorted(process.exitcode for process in processes) == [0, 0, 1]  # the exit code says who made it
    assert (folder / "made").read_text() == "."
    assert MODEL.verified_path().read_bytes() == b"content"


def prepare_together(folder: Path, barrier) -> None:
    configuration.configure(Configuration(folder=folder))

    def build() -> bytes:
        with (folder / "made").open("a") as file:
            file.write(".")
        return b"content"

    barrier.wait(60)
    raise SystemExit(int(MODEL.prepare(build)))
