from __future__ import annotations

import math
import pickle

import botocore.session
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


def test_parameters_round_trip_through_json():
    parameters = Parameters(max_labels=7, min_confidence=80, image_properties=False, label_exclusion=("Text", "Logo"))

    stored = parameters.as_json("labels")

    assert stored == {
        "max_labels": 7,
        "min_confidence": 80.0,
        "image_properties": False,
        "label_exclusion": ["Logo", "Text"],
    }
    assert Parameters.from_json(stored) == parameters


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
def test_json_has_only_the_fields_of_the_api(api, stored):
    assert Parameters().as_json(api) == stored


def test_missing_fields_get_defaults_and_unknown_ones_are_ignored():
    assert Parameters.from_json({"max_labels": 3, "of_tomorrow": 1}) == Parameters(max_labels=3)
    assert Parameters.from_json({}) == Parameters(max_labels=1000, min_confidence=55.0, image_properties=True)


def test_order_of_filter_names_does_not_matter():
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
def test_invalid_parameter_is_named_in_the_error(parameter, value):
    with pytest.raises(ValueError, match=f"^{parameter} must be .* not ") as raised:
        Parameters(**{parameter: value})
    assert str(raised.value).endswith(f" not {value!r}.")


@pytest.mark.parametrize("name", FILTERS)
def test_invalid_filters_are_rejected(name):
    with pytest.raises(ValueError, match=f"^{name} has 101 names; Rekognition accepts at most 100.$"):
        Parameters(**{name: tuple(f"Label {number}" for number in range(101))})
    for wrong in ("x" * 51, "Cat & Dog", "Dog\nCat", "Hündin"):
        with pytest.raises(ValueError, match=f"^{name}: .* is not a valid name. Rekognition accepts up to 50 letters"):
            Parameters(**{name: (wrong,)})


def test_filter_limits_match_the_service_model():
    model = botocore.session.get_session().get_service_model("rekognition")

    value, values = model.shape_for("GeneralLabelsFilterValue"), model.shape_for("GeneralLabelsFilterList")

    assert (value.metadata["max"], value.metadata["pattern"]) == (MAX_NAME_LENGTH, NAME.pattern)
    assert values.metadata["max"] == MAX_NAMES


@pytest.mark.parametrize(("parameter", "value"), [("max_labels", 1), ("min_confidence", 0), ("min_confidence", 100)])
def test_parameters_at_their_limits_are_valid(parameter, value):
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
def test_filters_admit_labels(filters, admitted):
    category = {"Dog": "Animals", "Cat": "Animals", "Car": "Vehicles"}
    parameters = Parameters(**filters)

    assert {name for name in category if parameters.admits(name, category=category[name])} == admitted


def test_error_text_has_api_code_and_next_step():
    error = Throttled(
        "Too fast.", api="labels", code="ThrottlingException", next_step="It will be retried automatically."
    )

    assert (
        str(error) == "The labels request failed with ThrottlingException: Too fast. It will be retried automatically."
    )
    assert str(UnreadableResponse("No.", api="text", code="X")) == "The text request failed with X: No."


def test_error_text_is_translated_with_its_values():
    catalog = {"%(size)s bytes are too many.": "%(size)s Byte sind zu viel.", "Wait.": "Warten."}
    error = UnreadableResponse(
        "%(size)s bytes are too many.", api="labels", code="X", next_step="Wait.", values={"size": "100 %"}
    )

    assert str(error) == "The labels request failed with X: 100 % bytes are too many. Wait."
    assert error.sentence(translate=lambda text: catalog.get(text, text)) == (
        "The labels request failed with X: 100 % Byte sind zu viel. Warten."
    )
    assert error.sentence(next_step="Gave up.").endswith(" too many. Gave up.")


def test_outcome_is_none_by_default():
    error = UnreadableResponse("No.", api="text", code="X")

    assert (error.outcome, error.request_id) == (None, "")


def test_error_can_be_pickled():
    error = Throttled(
        "Too fast.",
        api="labels",
        code="ThrottlingException",
        next_step="Wait.",
        outcome="throttled",
        request_id="a-request",
        retry_after=1.5,
        values={"size": "5"},
    )

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), vars(copy)) == (Throttled, str(error), vars(error))
