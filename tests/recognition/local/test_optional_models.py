"""Face traits and moderation, which are off unless they are turned on."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.recognition import responses
from analysis.recognition.base import ApiUnavailable, Parameters
from analysis.recognition.local import inspection
from analysis.recognition.local.conversion.graph import Graph
from analysis.recognition.local.prepared_models import AGE, GENDER, MODERATION
from analysis.recognition.local.recognizer import LocalRecognizer
from tests.recognition import aws_shapes, sample_pictures
from tests.recognition.local import own_models


def constant(output: str, values: list[float], *, picture: list[int | str], name: str) -> bytes:
    """A model with the same output for every picture."""
    graph = Graph()
    graph.node("Identity", [graph.constant(np.array([values], np.float32))], output=output)
    return graph.model(inputs={name: picture}, outputs={output: [1, len(values)]})


def analyze(picture: bytes, api: str, **parameters: float):
    inspection._inspections.clear()
    answer = LocalRecognizer().recognize(picture, api=api, parameters=Parameters(**parameters))
    assert aws_shapes.complaints(answer.content, aws_shapes.OPERATIONS[api]) == []
    return answer


@pytest.fixture
def ages(tmp_path):
    """Face traits turned on, with models that return given outputs."""

    def answer(probabilities: dict[int, float], *, male: float) -> None:
        values = [probabilities.get(age, 0.0) for age in range(81)]
        for model in (AGE, GENDER):
            model.record_path.unlink(missing_ok=True)
        AGE.prepare(lambda: constant("probabilities", values, picture=["N", 3, 64, 64], name="images"))
        GENDER.prepare(lambda: constant("probabilities", [1 - male, male], picture=["N", 3, 32, 32], name="images"))

    with own_models.configured(folder=tmp_path, has_face_traits=True):
        yield answer


@pytest.mark.parametrize(
    ("probabilities", "male", "age_range", "gender"),
    [
        ({33: 1.0}, 0.2, (28, 38), ("Female", 80)),  # never a single year
        ({20: 0.2, 40: 0.6, 60: 0.2}, 0.9, (20, 60), ("Male", 90)),
        ({1: 1.0}, 0.5, (0, 6), ("Female", 50)),
    ],
)
def test_traits_are_a_range_and_a_guess(probabilities, male, age_range, gender, ages):
    ages(probabilities, male=male)
    answer = analyze(sample_pictures.sample("astronaut.png"), "faces")

    (face,) = answer.content["FaceDetails"]
    assert (face["AgeRange"]["Low"], face["AgeRange"]["High"]) == age_range
    assert (face["Gender"]["Value"], round(face["Gender"]["Confidence"])) == gender
    assert "Emotions" not in face
    assert answer.model_version.endswith(" dlib")
    assert responses.faces_in(answer.content)[0].age_low == age_range[0]


def test_traits_are_off_by_default():
    (face,) = analyze(sample_pictures.sample("astronaut.png"), "faces").content["FaceDetails"]

    assert not {"AgeRange", "Gender"} & face.keys()


def test_missing_model_of_traits_is_named(tmp_path):
    with (
        own_models.configured(folder=tmp_path, has_face_traits=True),
        pytest.raises(ApiUnavailable, match=r"The model dlib-age is not prepared\. Run `manage\.py prepare_models`"),
    ):
        analyze(sample_pictures.sample("astronaut.png"), "faces")


def test_explicit_picture_has_one_label(tmp_path):
    with own_models.configured(folder=tmp_path, has_moderation=True):
        MODERATION.prepare(lambda: constant("outputs", [0.3, 0.7], picture=["N", 224, 224, 3], name="input:0"))
        assert "moderation" in LocalRecognizer().apis
        answer = analyze(sample_pictures.sign(), "moderation")
        surer = analyze(sample_pictures.sign(), "moderation", moderation_min_confidence=80.0)

    (label,) = responses.moderation_in(answer.content)
    assert (label.name, label.parent, label.level, round(label.confidence)) == ("Explicit", "", 1, 70)
    assert answer.content["ModerationModelVersion"] == answer.model_version == "local-2 open_nsfw"
    assert surer.content["ModerationLabels"] == []


def test_moderation_is_off_by_default():
    assert "moderation" not in LocalRecognizer().apis
    with pytest.raises(ApiUnavailable, match="ApiNotOffered"):
        analyze(sample_pictures.sign(), "moderation")
