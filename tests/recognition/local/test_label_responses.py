"""The vote as a DetectLabels response: Rekognition's fields, boxes and the models."""

from __future__ import annotations

from analysis.recognition import responses
from analysis.recognition.base import Parameters
from analysis.recognition.detected_labels import detected_labels
from analysis.recognition.local.detector import Detection
from analysis.recognition.local.responses import labels_response
from analysis.recognition.local.voting import vote
from analysis.recognition.responses import Box
from tests.recognition import aws_shapes

CAT = Detection("cat", 0.95, Box(0.1, 0.2, 0.3, 0.4))
COUCH = Detection("couch", 0.93, Box(0.0, 0.5, 1.0, 0.5))


def answer(*detections, **options):
    labels = vote({}, detections, text_share=0.0)
    return labels_response(labels, properties={}, parameters=Parameters(image_properties=False, **options))


def test_response_has_rekognitions_fields_and_the_models():
    response = answer(CAT, COUCH)

    assert {text.rpartition(".")[2] for text in aws_shapes.complaints(response, "DetectLabels")} == {
        "DetectedBy is unknown"
    }
    assert [label["Name"] for label in response["Labels"]] == ["Animal", "Cat", "Mammal", "Pet", "Couch", "Furniture"]
    assert {label.detected_by for label in responses.labels_in(response)} == {("detector",)}


def test_objects_have_boxes_and_all_ancestors():
    cat = next(label for label in responses.labels_in(answer(CAT)) if label.name == "Cat")

    assert (cat.parents, cat.aliases, cat.categories) == (
        ("Animal", "Mammal", "Pet"),
        ("Kitty",),
        ("Animals and Pets",),
    )
    assert [(instance.box, instance.confidence) for instance in cat.instances] == [(CAT.box, cat.confidence)]


def test_labels_are_indexed_with_category_and_number_of_objects():
    labels = {label.name: label for label in detected_labels("labels", answer(CAT, COUCH))}

    assert (labels["Cat"].instance_count, labels["Animal"].instance_count) == (1, 0)
    assert labels["Couch"].category == "Furniture and Furnishings"


def test_filters_of_the_request_apply():
    names = [label["Name"] for label in answer(CAT, COUCH, category_exclusion=("Animals and Pets",))["Labels"]]

    assert names == ["Couch", "Furniture"]
    assert answer(CAT, min_confidence=99.5)["Labels"] == []
