"""Labels of a picture by vote of the local classifier and the local detector.

The classifier sees the whole picture and knows a thousand classes; the detector sees objects and knows eighty. Each
errs in its own way, so a weak opinion counts only if the other model shares it, and nothing is named that neither is
sure of. Pure: pixels are not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from analysis.recognition.local import vocabulary
from analysis.recognition.local.classifier import Classification
from analysis.recognition.local.detector import Detection
from analysis.recognition.responses import Box

Model = Literal["classifier", "detector"]

# Thresholds and the calibration are from the tuning half of bench/local_recognition.csv.
MIN_PROBABILITY: Final = 0.50  # of a label by the classifier alone
MIN_SCORE: Final = 0.60  # of an object by the detector alone
MIN_SHARED: Final = 0.20  # probability and score (each) of what both models see
MIN_SHARED_SCORE: Final = 0.40
MAX_TEXT_SHARE: Final = 0.15  # of the picture; above, it is a page
CONTRADICTED: Final = 0.05  # probability of an animal below which the classifier does not see it


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


def labels_from(
    classification: Classification | None, detections: Sequence[Detection], *, text_share: float
) -> tuple[VotedLabel, ...]:
    """Labels with all ancestors, highest confidence first.

    `text_share`: the part of the picture that lines of text cover. Either model may be missing: None, ().
    """
    if text_share > MAX_TEXT_SHARE:
        return ()
    seen = vocabulary.probabilities_by_label(classification.probabilities) if classification else {}
    objects = _objects(detections, seen)
    labels = _with_ancestors(seen, objects)
    return tuple(sorted(labels, key=lambda label: (-label.confidence, label.name)))


def _objects(detections: Sequence[Detection], seen: Mapping[str, float]) -> dict[str, list[Instance]]:
    """Instances by label, of objects that are sure enough and not contradicted."""
    named = [(name, item) for item in detections if (name := vocabulary.object_label(item.class_name))]
    detected = {name for name, item in named if item.score >= MIN_SHARED_SCORE}
    objects: dict[str, list[Instance]] = {}
    for name, item in named:
        is_shared = item.score >= MIN_SHARED_SCORE and seen.get(name, 0.0) >= MIN_SHARED
        if (item.score >= MIN_SCORE or is_shared) and not _is_contradicted(name, seen, detected=detected):
            objects.setdefault(name, []).append(Instance(item.box, 100 * item.score))
    return objects


def _is_contradicted(name: str, seen: Mapping[str, float], *, detected: Iterable[str]) -> bool:
    """True for an animal that the classifier takes for one that the detector does not know or did not see.

    COCO has ten animals, so its detectors call a cheetah a dog.
    """
    if not seen or not vocabulary.is_a(name, "Animal") or seen.get(name, 0.0) >= CONTRADICTED:
        return False
    return any(
        probability >= MIN_PROBABILITY
        and vocabulary.is_a(other, "Animal")
        and not vocabulary.is_a(name, other)
        and not any(vocabulary.is_a(other, item) or vocabulary.is_a(item, other) for item in detected)
        for other, probability in seen.items()
    )


def _with_ancestors(seen: Mapping[str, float], objects: Mapping[str, Sequence[Instance]]) -> Iterable[VotedLabel]:
    by_classifier = {name: 100 * value for name, value in seen.items() if value >= MIN_PROBABILITY}
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
