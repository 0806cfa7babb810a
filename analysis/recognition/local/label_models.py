"""Finds labels with the classifier and the detector, imagelib's own or a user's."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.messages import gettext_noop
from analysis.recognition.local import (
    classifier,
    configuration,
    described_model,
    detector,
    model_description,
    photo_check,
    vocabulary,
    voting,
)
from analysis.recognition.local.model_description import Description, Kind, NewLabel
from analysis.recognition.local.model_files import ModelUnavailable, PreparedModel, file_version, sha256
from analysis.recognition.local.prepared_models import CLASSIFIER, DETECTOR
from analysis.recognition.responses import Box

MAX_NAME = 10  # characters of a model's name in the version


def find(picture: NDArray[np.uint8], *, text_share: float) -> tuple[voting.VotedLabel, ...]:
    """Labels of an RGB picture with all ancestors, highest confidence first.

    `text_share`: the part of the picture that lines of text cover. A model that is not prepared is left out.
    Raises ModelUnavailable, OutOfMemory.
    """
    add_custom_labels()
    if text_share > voting.MAX_TEXT_SHARE:
        return ()  # pages of text get no labels, so the models need not run
    detections = detector.detect(picture) if detector.is_available() else []
    if not photo_check.is_photo(picture):
        return voting.vote({}, detections, text_share=text_share)
    boxes = voting.boxes_to_confirm(detections)
    in_boxes = {number: _probabilities(_cut_out(picture, box)) for number, box in boxes.items()}
    return voting.vote(_probabilities(picture), detections, text_share=text_share, in_boxes=in_boxes)


def _cut_out(picture: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    left, top = min(int(box.left * width), width - 1), min(int(box.top * height), height - 1)
    right, bottom = math.ceil((box.left + box.width) * width), math.ceil((box.top + box.height) * height)
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]


def try_models() -> None:
    """Run the models on a gray picture. Raises ModelUnavailable, OutOfMemory."""
    add_custom_labels()
    gray = np.full((64, 64, 3), 128, np.uint8)
    _probabilities(gray)
    if detector.is_available():
        detector.detect(gray)


def _probabilities(picture: NDArray[np.uint8]) -> Mapping[str, float]:
    """Probability by label, of it and its descendants."""
    own = configuration.current().classifier
    if own is None:
        if not classifier.is_available():
            return {}
        return vocabulary.probabilities_by_label(classifier.classify(picture).probabilities)
    model = described_model.of_file(own, kind="classifier")
    description = model.description
    outputs = model.run(described_model.view_of(picture, description.input))
    scores = outputs["scores"].reshape(-1)
    if len(scores) != len(description.classes):
        template = gettext_noop("The output of %(model)s has %(number)s values, but %(expected)s classes are listed.")
        raise ModelUnavailable(template, model=model.name, number=len(scores), expected=len(description.classes))
    return _sums(description, described_model.activate(scores, description.output.activation))


def _sums(description: Description, scores: NDArray[np.float32]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, score in zip(description.classes, scores.tolist(), strict=True):
        label = label_of(description, name)
        for label_name in (label, *vocabulary.labels()[label].parents) if label else ():
            sums[label_name] = min(1.0, sums.get(label_name, 0.0) + score)
    return sums


def label_of(description: Description, class_name: str) -> str | None:
    """The label of a class, None if it is not shown.

    Raises ModelUnavailable if there is no such label.
    """
    name = description.labels.get(class_name, class_name)
    label = vocabulary.object_label(name)
    if name and label is None:
        raise ModelUnavailable(
            gettext_noop(
                "%(model)s: the class %(class_name)s has no label. Map it in [labels] to a known one, or add it to "
                "[[new_labels]]."
            ),
            model=description.name,
            class_name=class_name,
        )
    return label


def add_custom_labels() -> None:
    """Add the new labels that the descriptions of a user's own models define.

    Raises ModelUnavailable if a description names labels, parents or categories that do not exist.
    """
    own = tuple(model.description for model in own_models())
    new_labels = tuple(label for description in own for label in description.new_labels)
    _check_new_labels(new_labels)
    vocabulary.set_custom_labels(new_labels)
    _check_classes(own)


@lru_cache(maxsize=8)
def _check_new_labels(new_labels: tuple[NewLabel, ...]) -> None:
    table = vocabulary.labels_with(())
    names, categories = {*table, *(label.name for label in new_labels)}, {info.category for info in table.values()}
    for label in new_labels:
        if unknown := [parent for parent in label.parents if parent not in names]:
            template = gettext_noop("The parent %(parent)s of the new label %(label)s is not a label.")
            raise ModelUnavailable(template, parent=unknown[0], label=label.name)
        if label.category not in categories:
            template = gettext_noop("The category %(category)s of the new label %(label)s is none of %(categories)s.")
            known = ", ".join(sorted(categories))
            raise ModelUnavailable(template, category=label.category, label=label.name, categories=known)


@lru_cache(maxsize=8)
def _check_classes(descriptions: tuple[Description, ...]) -> None:
    for description in descriptions:
        for name in description.classes:
            label_of(description, name)


def own_models() -> list[described_model.DescribedModel]:
    """The models that the settings name. Raises ModelUnavailable."""
    current = configuration.current()
    named: list[tuple[Path | None, Kind]] = [(current.classifier, "classifier"), (current.detector, "detector")]
    return [described_model.of_file(path, kind=kind) for path, kind in named if path is not None]


def version() -> str:
    """Names of both models, and a digest of everything that affects labels."""
    current = configuration.current()
    models = [_own(current.classifier) or _prepared(CLASSIFIER, "Lite0")]
    models.append(_own(current.detector) or _prepared(DETECTOR, "SSDLite"))
    content = "\n".join([*(digest for _, digest in models), vocabulary.digest()])
    return f"{'+'.join(name for name, _ in models)} {hashlib.sha256(content.encode()).hexdigest()[:8]}"


def _prepared(model: PreparedModel, name: str) -> tuple[str, str]:
    # With its package installed the classifier counts as made, since it is made at the first picture.
    is_there = classifier.is_available() if model is CLASSIFIER else model.record() is not None
    return (name, f"{model.source} {model.recipe}") if is_there else ("none", "")


def _own(path: Path | None) -> tuple[str, str] | None:
    if path is None:
        return None
    description = model_description.path_of(path)
    return path.stem[:MAX_NAME], _digest(path, file_version(path)) + _digest(description, file_version(description))


@lru_cache(maxsize=8)
def _digest(path: Path, version: tuple[int, ...]) -> str:
    return sha256(path) if version else ""
