"""Votes of classifier and detector, with probabilities and boxes made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.recognition.local import vocabulary
from analysis.recognition.local.classifier import CLASSES, EMBEDDING_SIZE, Classification
from analysis.recognition.local.detector import Detection
from analysis.recognition.local.voting import CALIBRATION, boxes_to_confirm, calibrated, vote
from analysis.recognition.responses import Box

BOX = Box(0.1, 0.2, 0.3, 0.4)
INDEX = {row["class"]: int(row["index"]) for row in vocabulary._rows("imagenet.csv")}


def classification(**probabilities: float) -> Classification:
    """Probabilities by class, "_" for a space; the rest is spread over all others."""
    array = np.full(CLASSES, (1 - sum(probabilities.values())) / CLASSES, dtype=np.float32)
    for name, value in probabilities.items():
        array[INDEX[name.replace("_", " ")]] += value
    return Classification(array, np.zeros(EMBEDDING_SIZE, dtype=np.float32))


def detection(class_name: str, score: float, box: Box = BOX) -> Detection:
    return Detection(class_name, score, box)


def labels_from(classification, detections, *, text_share, crops=None):
    probabilities = vocabulary.probabilities_by_label(classification.probabilities) if classification else {}
    in_boxes = {number: vocabulary.probabilities_by_label(crop.probabilities) for number, crop in (crops or {}).items()}
    return vote(probabilities, detections, text_share=text_share, in_boxes=in_boxes)


def names(classification, *detections, text_share=0.0):
    return {label.name for label in labels_from(classification, list(detections), text_share=text_share)}


def test_sure_class_is_named_with_its_ancestors():
    labels = labels_from(classification(espresso=0.95), [], text_share=0.0)

    assert [label.name for label in labels] == ["Beverage", "Coffee", "Espresso"]
    assert {label.models for label in labels} == {("classifier",)}
    assert {label.instances for label in labels} == {()}


def test_unsure_breeds_add_up_to_a_dog():
    seen = classification(
        collie=0.16, Border_collie=0.14, borzoi=0.13, Saluki=0.12, whippet=0.1, beagle=0.09, boxer=0.05
    )

    assert names(seen) == {"Animal", "Canine", "Dog", "Mammal", "Pet"}


def test_nothing_is_named_when_nothing_is_sure():
    seen = classification(bubble=0.16, jellyfish=0.12, lampshade=0.1, brass=0.1)

    assert names(seen, detection("clock", 0.34), detection("bowl", 0.34)) == set()


def test_detected_object_has_its_boxes_and_its_ancestors_have_none():
    other = Box(0.5, 0.5, 0.2, 0.2)
    detections = [detection("motorcycle", 0.98), detection("motorcycle", 0.7, other)]
    in_boxes = {1: classification(moped=0.4)}
    labels = {
        label.name: label
        for label in labels_from(classification(coffee_mug=0.1), detections, text_share=0.0, crops=in_boxes)
    }

    assert set(labels) == {"Motorcycle", "Transportation", "Vehicle"}
    assert [instance.box for instance in labels["Motorcycle"].instances] == [BOX, other]
    assert labels["Vehicle"].instances == ()
    assert {label.models for label in labels.values()} == {("detector",)}
    highest = max(instance.confidence for instance in labels["Motorcycle"].instances)
    assert {label.confidence for label in labels.values()} == {highest}


def test_label_of_both_models_names_both():
    labels = labels_from(classification(tabby=0.5, tiger_cat=0.4), [detection("cat", 0.93)], text_share=0.0)

    assert {label.name: label.models for label in labels}["Cat"] == ("classifier", "detector")


def test_box_of_an_animal_that_is_no_such_animal_is_dropped():
    seen = classification(cheetah=0.87)

    assert names(seen, detection("dog", 0.68), detection("bird", 0.67)) == {"Animal", "Cheetah", "Mammal", "Wildlife"}


def test_sure_box_of_an_animal_is_dropped_if_the_classifier_sees_another():
    assert "Dog" not in names(classification(cheetah=0.87), detection("dog", 0.95))


def test_two_animals_of_which_the_classifier_sees_one_are_both_kept():
    seen = classification(bull_mastiff=0.5, boxer=0.2)
    detections = [detection("dog", 0.98), detection("cat", 0.8)]

    detected = labels_from(seen, detections, text_share=0.0, crops={1: classification(tabby=0.7)})

    assert {"Dog", "Cat"} <= {label.name for label in detected}


def test_animal_without_contradiction_is_kept():
    assert "Horse" in names(classification(sorrel=0.3, barn=0.3), detection("horse", 0.92))
    assert "Horse" in names(None, detection("horse", 0.92))


def test_pages_of_text_have_no_objects():
    assert names(classification(web_site=0.9), detection("refrigerator", 0.9), text_share=0.4) == set()


@pytest.mark.parametrize(
    ("score", "in_picture", "in_box", "is_named"),
    [
        (0.45, 0.35, 0.0, True),  # weak, with strong support
        (0.45, 0.0, 0.35, True),
        (0.45, 0.1, 0.1, False),
        (0.35, 0.4, 0.4, False),  # too weak
        (0.75, 0.1, 0.0, True),
        (0.75, 0.0, 0.1, True),
        (0.75, 0.0, 0.0, False),  # neither model is sure
        (0.95, 0.0, 0.0, True),  # sure alone
    ],
)
def test_unsure_detection_needs_the_classifiers_support(score, in_picture, in_box, is_named):
    detected = labels_from(
        classification(minibus=in_picture),
        [detection("bus", score)],
        text_share=0.0,
        crops={0: classification(minibus=in_box)},
    )

    assert ("Bus" in {label.name for label in detected}) is is_named


def test_people_need_no_support_since_the_classifier_has_no_class_for_them():
    assert names(classification(), detection("person", 0.62)) == {"Person"}
    assert names(classification(), detection("person", 0.55)) == set()


def test_group_must_be_more_probable_the_more_classes_it_has():
    """Half of a diffuse picture's probability falls on animals, which says nothing."""
    assert names(classification(nematode=0.2, flatworm=0.15)) == set()
    assert names(classification(gondola=0.28, catamaran=0.2)) == {"Transportation", "Vehicle", "Watercraft"}


def test_boxes_that_are_neither_sure_nor_hopeless_are_to_be_confirmed():
    detections = [
        detection("person", 0.9),
        detection("bus", 0.95),
        detection("cup", 0.8),
        detection("scissors", 0.8),  # not a class of the classifier
        detection("book", 0.5),
        detection("clock", 0.45),
        detection("chair", 0.42),
        detection("bench", 0.35),
    ]

    assert list(boxes_to_confirm(detections)) == [2, 4, 5]


def test_box_to_be_confirmed_has_a_margin_within_the_picture():
    boxes = boxes_to_confirm([detection("cup", 0.8, Box(0.0, 0.2, 0.5, 0.4))])

    left, top, width, height = boxes[0].left, boxes[0].top, boxes[0].width, boxes[0].height
    assert (left, top, width, height) == pytest.approx((0.0, 0.16, 0.55, 0.48))


@pytest.mark.parametrize("kind", CALIBRATION)
def test_calibration_rises_from_nothing_and_never_reaches_certainty(kind):
    percents = [calibrated(value, kind) for value in np.linspace(0, 1, 101)]

    assert percents == sorted(percents)
    assert percents[0] == 0.0
    assert percents[-1] < 100.0


def test_class_names_without_a_label_are_passed_over():
    assert names(None, detection("widget", 0.99)) == set()


def test_detector_with_the_names_of_labels():
    assert names(None, detection("Cheetah", 0.99)) == {"Animal", "Cheetah", "Mammal", "Wildlife"}


def test_no_model_gives_no_labels():
    assert names(None) == set()


def test_every_confidence_is_a_percentage_and_ancestors_are_as_sure():
    labels = labels_from(
        classification(tabby=0.6, espresso=0.39),
        [detection("cat", 1.0), detection("cup", 0.95), detection("person", 0.9)],
        text_share=0.0,
    )
    confidences = {label.name: label.confidence for label in labels}

    assert list(confidences.values()) == sorted(confidences.values(), reverse=True)
    for name, confidence in confidences.items():
        assert 0 < confidence <= 100
        for parent in vocabulary.labels()[name].parents:
            assert confidences[parent] >= confidence
