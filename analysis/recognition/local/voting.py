"""Labels of a picture by vote of the local classifier and the local detector.

The classifier knows a thousand classes, the detector eighty, and each errs in its own way. So what the detector is not
sure of is cut out and shown to the classifier, and counts if that agrees. Nothing is named that neither is sure of.
Pure: pixels are not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from analysis.recognition.local import vocabulary
from analysis.recognition.local.classifier import Classification
from analysis.recognition.local.detector import Detection
from analysis.recognition.responses import Box

Model = Literal["classifier", "detector"]
MAX_CROPS: Final = 3  # classified again; each takes as long as a picture
CROP_MARGIN: Final = 0.1  # of the box's sides, so that an object keeps some surroundings
MAX_TEXT_SHARE: Final = 0.15  # of the picture; above, it is a page


@dataclass(frozen=True)
class Thresholds:
    """From 0 to 1, chosen on the tuning half of bench/local_recognition/pictures.csv."""

    class_probability: float = 0.55
    """Of a label that a class of the classifier stands for."""
    group_probability: float = 0.45
    """Of a label that only sums up others: Animal, Vehicle, Clothing."""
    person_score: float = 0.60
    """Of people, which the classifier has no class for."""
    sure_score: float = 0.90
    """Of an object that the classifier need not confirm."""
    score: float = 0.60
    support: float = 0.05
    """Score of an object, and the probability from which the classifier agrees."""
    weak_score: float = 0.40
    strong_support: float = 0.30
    """The same for a weak detection with strong support."""


THRESHOLDS: Final = Thresholds()


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


def uncertain_boxes(detections: Sequence[Detection]) -> dict[int, Box]:
    """Boxes to classify by themselves, with a margin, by the number of the detection."""
    numbers = [
        number
        for number, item in enumerate(detections)
        if THRESHOLDS.weak_score <= item.score < THRESHOLDS.sure_score
        and vocabulary.is_classified(vocabulary.object_label(item.class_name) or "")
    ]
    return {number: _with_margin(detections[number].box) for number in numbers[:MAX_CROPS]}


def labels_from(
    classification: Classification | None,
    detections: Sequence[Detection],
    *,
    text_share: float,
    crops: Mapping[int, Classification] = MappingProxyType({}),
    thresholds: Thresholds = THRESHOLDS,
) -> tuple[VotedLabel, ...]:
    """Labels with all ancestors, highest confidence first.

    `text_share`: the part of the picture that lines of text cover. `crops`: classifications of `uncertain_boxes`.
    Either model may be missing: None, (). Leave the classification out for what is no photo, see `photo_check`.
    """
    if text_share > MAX_TEXT_SHARE:
        return ()
    seen = vocabulary.probabilities_by_label(classification.probabilities) if classification else {}
    in_crops = {number: vocabulary.probabilities_by_label(crop.probabilities) for number, crop in crops.items()}
    objects: dict[str, list[Instance]] = {}
    for number, item in enumerate(detections):
        name = vocabulary.object_label(item.class_name)
        if name and _is_confirmed(name, item.score, [seen, in_crops.get(number, {})], thresholds):
            objects.setdefault(name, []).append(Instance(item.box, 100 * item.score))
    objects = {name: found for name, found in objects.items() if not _is_contradicted(name, seen, objects)}
    labels = _labels(seen, objects, thresholds)
    return tuple(sorted(labels, key=lambda label: (-label.confidence, label.name)))


def _with_margin(box: Box) -> Box:
    return Box(
        box.left - CROP_MARGIN * box.width,
        box.top - CROP_MARGIN * box.height,
        box.width * (1 + 2 * CROP_MARGIN),
        box.height * (1 + 2 * CROP_MARGIN),
    ).clamped()


def _is_confirmed(name: str, score: float, views: Sequence[Mapping[str, float]], thresholds: Thresholds) -> bool:
    """True for a detection that is sure enough, given what the classifier sees in the picture and in the box."""
    if name == "Person":
        return score >= thresholds.person_score
    support = max(view.get(name, 0.0) for view in views)
    return (
        score >= thresholds.sure_score
        or (score >= thresholds.score and support >= thresholds.support)
        or (score >= thresholds.weak_score and support >= thresholds.strong_support)
    )


def _is_contradicted(name: str, seen: Mapping[str, float], objects: Mapping[str, Sequence[Instance]]) -> bool:
    """True for an animal that the classifier takes for one that the detector did not see.

    COCO has ten animals, so its detectors call a cheetah a dog.
    """
    if not vocabulary.is_a(name, "Animal") or not seen or seen.get(name, 0.0) >= THRESHOLDS.support:
        return False
    return any(
        probability >= THRESHOLDS.class_probability
        and vocabulary.is_a(other, "Animal")
        and not vocabulary.is_a(name, other)
        and not any(vocabulary.is_a(other, item) or vocabulary.is_a(item, other) for item in objects)
        for other, probability in seen.items()
    )


def _labels(
    seen: Mapping[str, float], objects: Mapping[str, Sequence[Instance]], thresholds: Thresholds
) -> Iterator[VotedLabel]:
    by_classifier = {name: 100 * value for name, value in seen.items() if value >= _minimum(name, thresholds)}
    for name in tuple(by_classifier):
        for parent in vocabulary.labels()[name].parents:
            by_classifier[parent] = 100 * seen[parent]
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


def _minimum(name: str, thresholds: Thresholds) -> float:
    """Probability from which the classifier names a label.

    A group gets its share of the classes from a picture of anything, and Animal has 398 of the 1,000. So it must be
    that much more probable.
    """
    if vocabulary.is_class(name):
        return thresholds.class_probability
    share = vocabulary.class_share(name)
    return thresholds.group_probability + (1 - thresholds.group_probability) * share
