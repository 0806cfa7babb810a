"""Votes of the classifier and the detector, with probabilities and detections made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.recognition.local import vocabulary
from analysis.recognition.local.classifier import CLASSES, EMBEDDING_SIZE, Classification
from analysis.recognition.local.detector import Detection
from analysis.recognition.local.voting import labels_from
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
    seen = classification(coffee_mug=0.1)
    labels = {
        label.name: label
        for label in labels_from(
            seen, [detection("motorcycle", 0.98), detection("motorcycle", 0.7, other)], text_share=0.0
        )
    }

    assert set(labels) == {"Motorcycle", "Transportation", "Vehicle"}
    assert [instance.box for instance in labels["Motorcycle"].instances] == [BOX, other]
    assert labels["Vehicle"].instances == ()
    assert {label.models for label in labels.values()} == {("detector",)}
    assert {label.confidence for label in labels.values()} == {labels["Motorcycle"].instances[0].confidence}


def test_label_of_both_models_names_both():
    labels = labels_from(classification(tabby=0.5, tiger_cat=0.4), [detection("cat", 0.93)], text_share=0.0)

    assert {label.name: label.models for label in labels}["Cat"] == ("classifier", "detector")


def test_box_of_an_animal_that_is_no_such_animal_is_dropped():
    seen = classification(cheetah=0.87)

    assert names(seen, detection("dog", 0.68), detection("bird", 0.67)) == {"Animal", "Cheetah", "Mammal", "Wildlife"}


def test_two_animals_of_which_the_classifier_sees_one_are_both_kept():
    seen = classification(bull_mastiff=0.5, boxer=0.2)

    assert {"Dog", "Cat"} <= names(seen, detection("dog", 0.98), detection("cat", 0.8))


def test_animal_without_contradiction_is_kept():
    assert "Horse" in names(classification(sorrel=0.3, barn=0.3), detection("horse", 0.92))
    assert "Horse" in names(None, detection("horse", 0.92))


def test_pages_of_text_have_no_objects():
    assert names(classification(web_site=0.9), detection("refrigerator", 0.9), text_share=0.4) == set()


@pytest.mark.parametrize(
    ("score", "probability", "expected"), [(0.45, 0.3, True), (0.45, 0.05, False), (0.35, 0.3, False)]
)
def test_weak_detection_needs_the_classifiers_support(score, probability, expected):
    found = names(classification(minibus=probability), detection("bus", score))

    assert ("Bus" in found) is expected


def test_class_names_without_a_label_are_passed_over():
    assert names(None, detection("widget", 0.99)) == set()


def test_detector_with_the_names_of_labels():
    assert names(None, detection("Cheetah", 0.99)) == {"Animal", "Cheetah", "Mammal", "Wildlife"}


def test_no_model_gives_no_labels():
    assert names(None) == set()


def test_every_confidence_is_a_percentage_and_ancestors_are_as_sure():
    labels = labels_from(
        classification(tabby=0.6, espresso=0.39),
        [detection("cat", 1.0), detection("cup", 0.7), detection("person", 0.9)],
        text_share=0.0,
    )
    confidences = {label.name: label.confidence for label in labels}

    assert list(confidences.values()) == sorted(confidences.values(), reverse=True)
    for name, confidence in confidences.items():
        assert 0 < confidence <= 100
        for parent in vocabulary.labels()[name].parents:
            assert confidences[parent] >= confidence
