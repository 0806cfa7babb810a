"""Probabilities of pictures by the prepared classifier, and by one of one's own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from analysis.recognition.base import Throttled
from analysis.recognition.local import classifier, label_models, prepared_models, vocabulary, voting
from analysis.recognition.local.conversion.graph import Graph
from analysis.recognition.local.model_files import ModelUnavailable
from tests.recognition import sample_pictures
from tests.recognition.local import own_models


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (10, 300)])
def test_pictures_of_any_size(shape):
    probabilities, embedding = classifier.classify(np.full((*shape, 3), 200, np.uint8))

    assert float(probabilities.sum()) == pytest.approx(1, abs=1e-4)
    assert np.isfinite(embedding).all()


def test_picture_of_100_megapixels():
    picture = np.broadcast_to(np.uint8(90), (10_000, 10_000, 3))

    assert float(classifier.classify(picture).probabilities.sum()) == pytest.approx(1, abs=1e-4)


def test_missing_model_is_made_at_the_first_picture(tmp_path):
    with own_models.configured(folder=tmp_path):
        assert classifier.is_available()
        classifier.classify(np.zeros((8, 8, 3), np.uint8))
        assert prepared_models.CLASSIFIER.is_whole()
        prepared_models.CLASSIFIER.path.write_bytes(b"cut off")
        classifier.classify(np.zeros((8, 8, 3), np.uint8))
        assert prepared_models.CLASSIFIER.is_whole()


# Large and contrasty enough to count as a photo, and of a mean color of 60, 100, 200.
PHOTO = (
    np.clip(np.array([60, 100, 200]) + np.linspace(-40, 40, 300)[None, :, None], 0, 255).repeat(150, 0).astype(np.uint8)
)

DESCRIPTION = """
kind = "classifier"
classes = ["dahlia", "tulip", "house cat"]
[input]
size = [8, 4]
{input}
[output]
scores = "s"
{output}
[labels]
dahlia = "Dahlia"
tulip = "Flower"
"house cat" = "Cat"
[[new_labels]]
name = "Dahlia"
parents = ["Flower"]
category = "Plants and Flowers"
"""


def labels(path, *, spec: str = "", output: str = "", shape=(1, 3, 4, 8), **outputs) -> dict[str, float]:
    description = DESCRIPTION.format(input=spec, output=output)
    with own_models.configured(
        classifier=own_models.write(path / "own.onnx", description, shape=shape, **outputs), folder=path
    ):
        detected = label_models.find(PHOTO, text_share=0)
    return {label.name: label.confidence for label in detected}


@pytest.fixture(autouse=True)
def own_table():
    """The table without labels of a test's model afterwards."""
    yield
    vocabulary.set_custom_labels(())


def test_own_classifier_brings_labels_of_its_own(tmp_path):
    confidences = labels(tmp_path, s=[[0.6, 0.3, 0.1]])

    sums = [voting.calibrated(value, "classifier") for value in (0.6, 0.9, 0.9)]
    assert [confidences["Dahlia"], confidences["Flower"], confidences["Plant"]] == pytest.approx(sums, abs=0.1)
    assert "Cat" not in confidences
    assert vocabulary.labels()["Dahlia"].category == "Plants and Flowers"


def test_picture_is_given_as_described(tmp_path):
    def seen(spec: str) -> set[str]:
        return set(labels(tmp_path, spec=spec, s="mean")) & {"Dahlia", "Cat"}

    assert seen("std = [255, 255, 255]") == {"Cat"}  # 0.24, 0.39, 0.78
    assert seen('std = [255, 255, 255]\ncolors = "BGR"') == {"Dahlia"}
    assert seen("mean = [0, 0, 255]\nstd = [51, 255, 255]") == {"Dahlia"}


def test_activation_turns_logits_into_probabilities(tmp_path):
    softmax = labels(tmp_path, output='activation = "softmax"', s=[[5.0, 1.0, 1.0]])
    sigmoid = labels(tmp_path, output='activation = "sigmoid"', s=[[5.0, -9.0, -9.0]])

    expected = [voting.calibrated(value, "classifier") for value in (0.965, 0.993)]
    assert [softmax["Dahlia"], sigmoid["Dahlia"]] == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"s": [[0.5, 0.5]]}, "The output of own.onnx has 2 values, but 3 classes are listed."),
        ({"shape": (1, 3, 8, 8), "s": "mean"}, "takes pictures of another shape than its description says"),
        ({"shape": (1, 8, 4, 3), "s": [[1, 0, 0]]}, "takes pictures of another shape than its description says"),
        ({"output": 'unknown = "x"', "s": [[1, 0, 0]]}, "own.toml: unknown key unknown."),
    ],
)
def test_model_that_is_not_as_described_is_refused_with_a_sentence(arguments, sentence, tmp_path):
    with pytest.raises(ModelUnavailable) as raised:
        labels(tmp_path, **arguments)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda content: b"", "onnxruntime cannot run the model own.onnx: No graph was found in the protobuf."),
        (lambda content: content[:-60], "onnxruntime cannot run the model own.onnx: "),
        (lambda content: b"not a model", "onnxruntime cannot run the model own.onnx: Protobuf parsing failed."),
        (
            lambda content: content.replace(b"\x08\x08", b"\x08\x63", 1),
            "own.onnx is too new for the installed onnxruntime",
        ),
    ],
)
def test_damaged_model_is_refused_with_a_sentence(damage, sentence, tmp_path):
    path = own_models.write(
        tmp_path / "own.onnx", DESCRIPTION.format(input="", output=""), shape=(1, 3, 4, 8), s="mean"
    )
    path.write_bytes(damage(path.read_bytes()))

    with own_models.configured(classifier=path), pytest.raises(ModelUnavailable) as raised:
        label_models.find(PHOTO, text_share=0)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            ('"Flower"\n"house', '"Flouer"\n"house'),
            "own: the class tulip has no label. Map it in [labels]",
        ),
        (('parents = ["Flower"]', 'parents = ["Flouer"]'), "The parent Flouer of the new label Dahlia is not a label."),
        (("Plants and Flowers", "Plants"), "The category Plants of the new label Dahlia is none of Animals and Pets, "),
    ],
)
def test_unknown_labels_are_named(change, sentence, tmp_path):
    description = DESCRIPTION.format(input="", output="")
    assert change[0] in description
    path = own_models.write(tmp_path / "own.onnx", description.replace(*change), shape=(1, 3, 4, 8), s=[[1, 0, 0]])

    with own_models.configured(classifier=path), pytest.raises(ModelUnavailable) as raised:
        label_models.find(PHOTO, text_share=0)
    assert str(raised.value).startswith(sentence)


def test_model_that_needs_more_memory_than_there_is_is_retried(tmp_path):
    graph = Graph()
    graph.node("ConstantOfShape", [graph.constant(np.array([1, 10**15]))], output="s")
    path = tmp_path / "own.onnx"
    path.write_bytes(graph.model(inputs={"images": [1, 3, 4, 8]}, outputs={"s": [1, 10**15]}))
    path.with_suffix(".toml").write_text(DESCRIPTION.format(input="", output=""))

    with own_models.configured(classifier=path), pytest.raises(Throttled) as raised:
        sample_pictures.analyze(sample_pictures.jpeg(Image.fromarray(PHOTO)), "labels")
    assert raised.value.code == "OutOfMemory"
    assert raised.value.sentence() == (
        "The labels request failed with OutOfMemory: There was not enough memory to analyze the picture. "
        "Give the worker more memory, or set RECOGNITION_THREADS=1."
    )


def test_missing_model_is_named(tmp_path):
    with (
        own_models.configured(classifier=tmp_path / "own.onnx"),
        pytest.raises(ModelUnavailable, match=r"The model file .*/own\.onnx is missing\."),
    ):
        label_models.find(PHOTO, text_share=0)


def test_version_changes_with_the_models(tmp_path):
    versions = {label_models.version()}
    for content in ("one", "two"):
        (tmp_path / "flowers-of-europe.onnx").write_text(content)
        with own_models.configured(classifier=tmp_path / "flowers-of-europe.onnx"):
            versions.add(label_models.version())
            assert label_models.version().startswith("flowers-of+")
    with own_models.configured(folder=tmp_path):
        versions.add(label_models.version())
        assert label_models.version().startswith("Lite0+none ")

    # Without a prepared detector the empty folder is no change.
    assert len(versions) == (4 if prepared_models.DETECTOR.record() else 3)
    assert max(len(f"local-2 {version}") for version in versions) <= 40
