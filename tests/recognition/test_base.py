from __future__ import annotations

import math
import pickle

import botocore.session  # noqa: TID251
import pytest

from analysis.recognition.base import (
    FILTERS,
    MAX_NAME_LENGTH,
    MAX_NAMES,
    NAME,
    Parameters,
    Throttled,
    UnreadableResponse,
)


def test_parameters_of_an_api_come_back_from_json():
    asked = Parameters(max_labels=7, min_confidence=80, image_properties=False, label_exclusion=("Text", "Logo"))

    stored = asked.as_json("labels")

    assert stored == {
        "max_labels": 7,
        "min_confidence": 80.0,
        "image_properties": False,
        "label_exclusion": ["Logo", "Text"],
    }
    assert Parameters.from_json(stored) == asked


@pytest.mark.parametrize(
    ("api", "stored"),
    [
        ("labels", {"max_labels": 1000, "min_confidence": 55.0, "image_properties": True}),
        ("faces", {}),
        ("celebrities", {}),
        ("text", {}),
        ("moderation", {"moderation_min_confidence": 50.0}),
    ],
)
def test_only_what_an_api_knows_is_stored(api, stored):
    assert Parameters().as_json(api) == stored


def test_parameters_stored_by_another_version_take_defaults_for_the_rest():
    assert Parameters.from_json({"max_labels": 3, "of_tomorrow": 1}) == Parameters(max_labels=3)
    assert Parameters.from_json({}) == Parameters(max_labels=1000, min_confidence=55.0, image_properties=True)


def test_the_order_of_filters_asks_for_nothing_else():
    assert Parameters(label_inclusion=("Dog", " Cat", "Dog", "")) == Parameters(label_inclusion=("Cat", "Dog"))


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
        ("moderation_min_confidence", 101),
        ("image_properties", 1),
        ("label_inclusion", "Dog"),
        ("category_exclusion", (1,)),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(parameter, value):
    with pytest.raises(ValueError, match=f"^{parameter} is .* not ") as raised:
        Parameters(**{parameter: value})
    assert str(raised.value).endswith(f" not {value!r}.")


@pytest.mark.parametrize("name", FILTERS)
def test_filters_that_rekognition_would_refuse_are_refused(name):
    with pytest.raises(ValueError, match=f"^{name} has 101 names; Rekognition takes 100.$"):
        Parameters(**{name: tuple(f"Label {number}" for number in range(101))})
    for wrong in ("x" * 51, "Cat & Dog", "Dog\nCat", "Hündin"):
        with pytest.raises(ValueError, match=f"^{name}: .* is no name of up to 50 characters"):
            Parameters(**{name: (wrong,)})


def test_the_limits_of_filters_are_those_of_the_service_model():
    model = botocore.session.get_session().get_service_model("rekognition")

    value, values = model.shape_for("GeneralLabelsFilterValue"), model.shape_for("GeneralLabelsFilterList")

    assert (value.metadata["max"], value.metadata["pattern"]) == (MAX_NAME_LENGTH, NAME.pattern)
    assert values.metadata["max"] == MAX_NAMES


@pytest.mark.parametrize(("parameter", "value"), [("max_labels", 1), ("min_confidence", 0), ("min_confidence", 100)])
def test_parameters_at_their_limits_are_fine(parameter, value):
    assert Parameters(**{parameter: value}).as_json("labels")[parameter] == value


@pytest.mark.parametrize(
    ("filters", "admitted"),
    [
        ({}, {"Dog", "Cat", "Car"}),
        ({"label_inclusion": ("Dog",)}, {"Dog"}),
        ({"category_inclusion": ("Animals",)}, {"Dog", "Cat"}),
        ({"label_inclusion": ("Car",), "category_inclusion": ("Animals",)}, {"Dog", "Cat", "Car"}),
        ({"label_exclusion": ("Dog",)}, {"Cat", "Car"}),
        ({"category_exclusion": ("Animals",)}, {"Car"}),
        ({"label_inclusion": ("Dog",), "category_exclusion": ("Animals",)}, set()),
    ],
)
def test_filters_let_labels_through(filters, admitted):
    category = {"Dog": "Animals", "Cat": "Animals", "Car": "Vehicles"}
    parameters = Parameters(**filters)

    assert {name for name in category if parameters.admits(name, category=category[name])} == admitted


def test_failure_is_a_sentence_with_api_code_and_next_step():
    error = Throttled("Too fast.", api="labels", code="ThrottlingException", next_step="It is asked again by itself.")

    assert str(error) == "The labels request failed with ThrottlingException: Too fast. It is asked again by itself."
    assert str(UnreadableResponse("No.", api="text", code="X")) == "The text request failed with X: No."


def test_nothing_was_sent_unless_it_is_said():
    error = UnreadableResponse("No.", api="text", code="X")

    assert (error.outcome, error.request_id) == (None, "")


def test_failure_crosses_a_process_border():
    error = Throttled(
        "Too fast.",
        api="labels",
        code="ThrottlingException",
        next_step="Wait.",
        outcome="throttled",
        request_id="a-request",
        retry_after=1.5,
    )

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), vars(copy)) == (Throttled, str(error), vars(error))
