from __future__ import annotations

import math
import pickle

import pytest

from analysis.recognition.recognizer import Busy, Parameters, Unreadable


def test_parameters_come_back_from_json():
    parameters = Parameters(max_labels=7, min_confidence=80, image_properties=False)

    stored = parameters.as_json()

    assert list(stored.items()) == [("max_labels", 7), ("min_confidence", 80.0), ("image_properties", False)]
    assert Parameters.from_json(stored) == parameters


def test_parameters_stored_by_another_version_take_defaults_for_the_rest():
    assert Parameters.from_json({"max_labels": 3, "of_tomorrow": 1}) == Parameters(max_labels=3)
    assert Parameters.from_json({}) == Parameters(max_labels=1000, min_confidence=55.0, image_properties=True)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("max_labels", 0),
        ("max_labels", 1001),
        ("max_labels", 10.0),
        ("max_labels", True),
        ("min_confidence", -0.1),
        ("min_confidence", 100.1),
        ("min_confidence", math.nan),
        ("min_confidence", "55"),
        ("min_confidence", True),
        ("image_properties", 1),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(parameter, value):
    with pytest.raises(ValueError, match=f"^{parameter} is .* not {value!r}.$"):
        Parameters(**{parameter: value})


@pytest.mark.parametrize(("parameter", "value"), [("max_labels", 1), ("min_confidence", 0), ("min_confidence", 100)])
def test_parameters_at_their_limits_are_fine(parameter, value):
    assert Parameters(**{parameter: value}).as_json()[parameter] == value


def test_failure_is_a_sentence_with_api_code_and_next_step():
    error = Busy("Too fast.", api="labels", code="ThrottlingException", next_step="It is asked again by itself.")

    assert str(error) == "The labels request failed with ThrottlingException: Too fast. It is asked again by itself."
    assert str(Unreadable("No.", api="text", code="X")) == "The text request failed with X: No."


def test_failure_crosses_a_process_border():
    error = Busy("Too fast.", api="labels", code="ThrottlingException", next_step="Wait.", retry_after=1.5)

    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), copy.api, copy.code, copy.retry_after) == (str(error), "labels", "ThrottlingException", 1.5)
