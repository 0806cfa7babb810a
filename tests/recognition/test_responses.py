from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.recognition import responses
from analysis.recognition.responses import Box, Color, Instance, LabelResult, Quality
from tests import rekognition_responses

READERS = [
    responses.labels_in,
    responses.colors_in,
    responses.quality_in,
    responses.faces_in,
    responses.texts_in,
    responses.celebrities_in,
    responses.moderation_in,
]


def test_labels():
    entries = responses.labels_in(rekognition_responses.labels())

    assert [label.name for label in entries] == ["Animal", "Mammal", "Pet", "Canine", "Dog", "Person"]
    assert entries[4] == LabelResult(
        name="Dog",
        confidence=99.98021697998047,
        parents=("Animal", "Canine", "Mammal", "Pet"),
        categories=("Animals and Pets",),
        instances=(
            Instance(Box(-0.00326, 0.2016, 0.4356, 0.7982), 97.91858673095703),
            Instance(
                Box(0.4231, 0.1927, 0.3572, 0.5489),
                95.15943145751953,
                (Color(47, 79, 79, "#2f4f4f", "darkslategrey", "grey", 25.40567970275879),),
            ),
        ),
    )
    assert entries[5].aliases == ("Human",)


def test_models_that_named_a_label():
    entry = {**rekognition_responses.label("Dog"), "DetectedBy": [{"Name": "classifier"}, {"Name": "detector"}]}

    assert responses.labels_in({"Labels": [entry]})[0].detected_by == ("classifier", "detector")
    assert responses.labels_in({"Labels": [{**entry, "DetectedBy": 3}]})[0].detected_by == ()


def test_colors_and_quality():
    assert [color.css_color for color in responses.colors_in(rekognition_responses.labels())] == [
        "darkslategrey",
        "black",
    ]
    assert responses.quality_in(rekognition_responses.labels()) == Quality(
        59.91098403930664, 81.02310943603516, 80.38261413574219
    )


def test_no_colors_and_quality_without_image_properties():
    answer = rekognition_responses.labels(properties=False)

    assert responses.colors_in(answer) == ()
    assert responses.quality_in(answer) is None


def test_faces():
    (face,) = responses.faces_in(rekognition_responses.faces())

    assert face.box == Box(0.27, 0.1, 0.2, 0.3)
    assert (face.confidence, face.age_low, face.age_high) == (99.99, 29, 39)
    assert (face.gender, face.smile) == ("Female", True)
    assert face.attributes["Eyeglasses"] == (False, 99.1)
    assert set(face.attributes) == {
        *("Smile", "Eyeglasses", "Sunglasses", "Gender", "Beard", "Mustache", "EyesOpen", "MouthOpen", "FaceOccluded")
    }
    assert face.emotions == (("HAPPY", 95.6), ("SURPRISED", 6.3), ("CALM", 3.2))
    assert face.quality == Quality(73.1, 86.9, None)


def test_face_with_default_attributes_has_none_of_the_others():
    (face,) = responses.faces_in(
        rekognition_responses.faces({"BoundingBox": rekognition_responses.box(), "Confidence": 99.0})
    )

    assert (face.age_low, face.gender, face.smile, face.attributes, face.emotions, face.quality) == (
        *(None, None, None, {}, ()),
        None,
    )


def test_unknown_face_attribute_is_kept_by_name():
    (face,) = responses.faces_in(
        rekognition_responses.faces(rekognition_responses.face(HatColor={"Value": "Red", "Confidence": 61.0}))
    )

    assert face.attributes["HatColor"] == ("Red", 61.0)


def test_texts_are_lines_and_words():
    entries = responses.texts_in(rekognition_responses.text())

    assert [(text.text, text.is_line) for text in entries] == [
        ("KEEP LEFT", True),
        ("exit", True),
        ("KEEP", False),
        ("LEFT", False),
        ("exit", False),
    ]
    assert entries[1].box == Box(0.1, 0.3, 0.2, 0.1)
    assert entries[1].polygon[0] == (0.1, 0.3)


def test_celebrities():
    (celebrity,) = responses.celebrities_in(rekognition_responses.celebrities())

    assert (celebrity.name, celebrity.id, celebrity.confidence, celebrity.known_gender) == (
        "Somebody Famous",
        "3Ir0du6",
        98.0,
        "Male",
    )
    assert celebrity.urls == ("www.wikidata.org/wiki/Q1", "www.imdb.com/name/nm1")
    assert celebrity.box == Box(0.4, 0.1, 0.12, 0.2)


def test_moderation():
    weapons, violence = responses.moderation_in(rekognition_responses.moderation())

    assert (weapons.name, weapons.parent, weapons.level, weapons.confidence) == ("Weapons", "Violence", 2, 87.5)
    assert (violence.parent, violence.level) == ("", 1)


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        (Box(0.1, 0.2, 0.3, 0.4), Box(0.1, 0.2, 0.3, 0.4)),
        (Box(-0.5, -0.25, 1.0, 0.5), Box(0.0, 0.0, 0.5, 0.25)),
        (Box(0.75, 0.5, 0.5, 2.0), Box(0.75, 0.5, 0.25, 0.5)),
        (Box(1.5, 0.0, 1.0, 1.0), Box(1.0, 0.0, 0.0, 1.0)),
    ],
)
def test_box_is_clamped_for_display(box, inside):
    clamped = box.clamped()

    assert [clamped.left, clamped.top, clamped.width, clamped.height] == pytest.approx(
        [inside.left, inside.top, inside.width, inside.height]
    )


@pytest.mark.parametrize(
    "entry",
    [
        "Dog",
        None,
        {},
        {"Name": "Dog"},
        {"Confidence": 99.0},
        {"Name": "", "Confidence": 99.0},
        {"Name": "\0", "Confidence": 99.0},
        {"Name": "Dog", "Confidence": "99"},
        {"Name": "Dog", "Confidence": True},
        {"Name": "Dog", "Confidence": float("nan")},
        {"Name": "Dog", "Confidence": 10**400},
        {"Name": ["Dog"], "Confidence": 99.0},
    ],
)
def test_invalid_entry_is_skipped(entry):
    entries = responses.labels_in({"Labels": [entry, rekognition_responses.label("Cat")]})

    assert [label.name for label in entries] == ["Cat"]


def test_invalid_field_does_not_affect_its_entry():
    entry = rekognition_responses.label("Cat") | {
        "Parents": [None, {"Name": 3}, {"Name": "Animal"}, {"Name": "Animal"}],
        "Aliases": None,
        "Categories": ["Colors and Visual Composition"],
        "Instances": [
            {"BoundingBox": {"Left": 0}},
            {"BoundingBox": rekognition_responses.box(width=0.0)},
            {"BoundingBox": rekognition_responses.box()},
        ],
        "Unknown": {"of": "tomorrow"},
    }

    (label,) = responses.labels_in({"Labels": [entry]})

    assert label.parents == ("Animal",)
    assert label.aliases == ()
    assert label.categories == ("Colors and Visual Composition",)
    assert label.instances == (Instance(Box(0.1, 0.2, 0.3, 0.4), 99.0),)


def test_confidence_is_clamped_and_text_is_storable():
    (label,) = responses.labels_in({"Labels": [rekognition_responses.label(" Ca\0t\ud800 ", 100.00001)]})

    assert (label.name, label.confidence) == ("Cat", 100.0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
def test_readers_accept_any_json(data):
    """Any part of a good response may be replaced by anything."""
    make = data.draw(st.sampled_from(list(rekognition_responses.RESPONSES.values())))
    answer = json.loads(json.dumps(make()))
    parent, key = data.draw(st.sampled_from(list(_places(answer))))
    parent[key] = data.draw(json_values)

    for read in READERS:
        read(answer)
        read(parent[key])


def _places(node):
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)
