"""Combines the results of the local classifier and detector into labels.

The classifier knows a thousand classes, the detector eighty, and they make different errors. An uncertain detection is
cut out and classified; it counts if the classifier agrees. Labels of which neither is certain are left out. Pure
functions, without pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from analysis.recognition.local import vocabulary
from analysis.recognition.local.detector import Detection
from analysis.recognition.responses import Box

Model = Literal["classifier", "detector"]
Probabilities = Mapping[str, float]
"""Probability by label, of it and its descendants."""

MAX_CROPS: Final = 3  # boxes classified separately, each of which takes as long as a picture
CROP_MARGIN: Final = 0.1  # of the box's sides, so that an object keeps some surroundings
MAX_TEXT_SHARE: Final = 0.15  # of the picture; with more text it is a page
NO_PROBABILITIES: Final[Probabilities] = MappingProxyType({})


@dataclass(frozen=True)
class Thresholds:
    """From 0 to 1, chosen on the tuning half of bench/local_recognition/pictures.csv."""

    class_probability: float = 0.55
    """Minimum probability of a label that a class of the classifier stands for."""
    group_probability: float = 0.45
    """Minimum probability of a label that only sums up others: Animal, Vehicle, Clothing."""
    person_score: float = 0.60
    """Minimum score of people, for whom the classifier has no class."""
    sure_score: float = 0.90
    """Minimum score of an object without confirmation by the classifier."""
    score: float = 0.55
    support: float = 0.05
    """Minimum score of an object, and minimum probability by the classifier that confirms it."""
    weak_score: float = 0.40
    strong_support: float = 0.30
    """The same for a weak detection with strong support by the classifier."""


THRESHOLDS: Final = Thresholds()

# Scores of the models, and the share of labels with such scores that were right on the tuning half. Above the
# thresholds both models are right more often than their scores say, except for detections without support.
CALIBRATION: Final = {
    "classifier": ((0.0, 0.45, 0.55, 0.9, 1.0), (0.0, 0.80, 0.90, 0.92, 0.97)),
    "person": ((0.0, 0.60, 0.80, 1.0), (0.0, 0.85, 0.90, 0.97)),
    "confirmed": ((0.0, 0.40, 0.60, 1.0), (0.0, 0.80, 0.90, 0.97)),
    "alone": ((0.0, 0.90, 1.0), (0.0, 0.75, 0.90)),
}


@dataclass(frozen=True)
class Instance:
    """An object of a label; confidence in percent."""

    box: Box
    confidence: float


@dataclass(frozen=True)
class VotedLabel:
    """A label with confidence in percent and the models that named it."""

    name: str
    confidence: float
    models: tuple[Model, ...]
    instances: tuple[Instance, ...] = ()


def boxes_to_confirm(detections: Sequence[Detection]) -> dict[int, Box]:
    """Boxes to classify separately, with a margin, by the index of the detection."""
    numbers = [
        number
        for number, item in enumerate(detections)
        if THRESHOLDS.weak_score <= item.score < THRESHOLDS.sure_score
        and vocabulary.is_classified(vocabulary.object_label(item.class_name) or "")
    ]
    return {number: _with_margin(detections[number].box) for number in numbers[:MAX_CROPS]}


def vote(
    probabilities: Probabilities,
    detections: Sequence[Detection],
    *,
    text_share: float,
    in_boxes: Mapping[int, Probabilities] = MappingProxyType({}),
    thresholds: Thresholds = THRESHOLDS,
) -> tuple[VotedLabel, ...]:
    """Labels with all ancestors, highest confidence first.

    `probabilities` are by label, and empty without a classifier or if the picture is no photo (`photo_check`).
    `text_share` is the part of the picture that lines of text cover; `in_boxes` are the probabilities in the
    `boxes_to_confirm`, by their number.
    """
    if text_share > MAX_TEXT_SHARE:
        return ()
    objects: dict[str, list[Instance]] = {}
    for number, item in enumerate(detections):
        if name := vocabulary.object_label(item.class_name):
            support = max(view.get(name, 0.0) for view in (probabilities, in_boxes.get(number, NO_PROBABILITIES)))
            if confidence := _confidence(name, item.score, support, thresholds):
                objects.setdefault(name, []).append(Instance(item.box, confidence))
    objects = {
        name: boxes for name, boxes in objects.items() if not _is_contradicted(name, probabilities, objects, thresholds)
    }
    labels = _labels(_named_by_classifier(probabilities, thresholds), objects)
    return tuple(sorted(labels, key=lambda label: (-label.confidence, label.name)))


def _with_margin(box: Box) -> Box:
    left, top = box.left - CROP_MARGIN * box.width, box.top - CROP_MARGIN * box.height
    return Box(left, top, box.width * (1 + 2 * CROP_MARGIN), box.height * (1 + 2 * CROP_MARGIN)).clamped()


def _confidence(name: str, score: float, support: float, thresholds: Thresholds) -> float:
    """Confidence in a detection in percent; 0 if neither model is sure enough.

    `support`: the probability of the label in the picture or in the box, whichever is higher.
    """
    if name == "Person":
        return calibrated(score, "person") if score >= thresholds.person_score else 0.0
    is_supported = score >= thresholds.score and support >= thresholds.support
    if is_supported or (score >= thresholds.weak_score and support >= thresholds.strong_support):
        return calibrated(score, "confirmed")
    return calibrated(score, "alone") if score >= thresholds.sure_score else 0.0


def calibrated(value: float, kind: str) -> float:
    """Percent of the labels with such a value that were right."""
    values, shares = CALIBRATION[kind]
    return round(100 * float(np.interp(value, values, shares)), 2)


def _is_contradicted(
    name: str, probabilities: Probabilities, objects: Mapping[str, Sequence[Instance]], thresholds: Thresholds
) -> bool:
    """True for a detected animal if the classifier names a different one.

    COCO has ten animals, so its detectors call a cheetah a dog. An animal that was also detected does not contradict.
    """
    if not probabilities or not vocabulary.is_a(name, "Animal") or probabilities.get(name, 0.0) >= thresholds.support:
        return False
    return any(
        probability >= thresholds.class_probability
        and vocabulary.is_a(other, "Animal")
        and not vocabulary.is_a(name, other)
        and not any(vocabulary.is_a(other, item) or vocabulary.is_a(item, other) for item in objects)
        for other, probability in probabilities.items()
    )


def _named_by_classifier(probabilities: Probabilities, thresholds: Thresholds) -> dict[str, float]:
    """Confidence by label, in percent."""
    named = {name for name, value in probabilities.items() if value >= _minimum(name, thresholds)}
    named |= {parent for name in named for parent in vocabulary.labels()[name].parents}
    return {name: calibrated(probabilities[name], "classifier") for name in named}


def _minimum(name: str, thresholds: Thresholds) -> float:
    """The minimum probability for a label by the classifier.

    Any picture gives a group its share of the classes, and Animal has 398 of the 1,000. So the minimum rises with that
    share.
    """
    if not vocabulary.is_group(name):
        return thresholds.class_probability
    share = vocabulary.class_share(name)
    return thresholds.group_probability + (1 - thresholds.group_probability) * share


def _labels(by_classifier: Mapping[str, float], objects: Mapping[str, Sequence[Instance]]) -> Iterator[VotedLabel]:
    by_detector: dict[str, float] = {}
    for name, instances in objects.items():
        for label in (name, *vocabulary.labels()[name].parents):
            by_detector[label] = max(by_detector.get(label, 0.0), *(item.confidence for item in instances))
    for name in by_classifier.keys() | by_detector.keys():
        models: tuple[Model, ...] = (
            *(("classifier",) if name in by_classifier else ()),
            *(("detector",) if name in by_detector else ()),
        )
        confidence = max(by_classifier.get(name, 0.0), by_detector.get(name, 0.0))
        yield VotedLabel(name, confidence, models, tuple(objects.get(name, ())))
