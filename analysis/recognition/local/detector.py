"""Detects objects with their boxes: COCO's 80 classes, or LOCAL_DETECTOR's."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.messages import gettext_noop
from analysis.recognition.local import boxes, coco, configuration, described_model
from analysis.recognition.local.described_model import DescribedModel, Floats, View
from analysis.recognition.local.model_description import Description, ModelInput, ModelOutput
from analysis.recognition.local.model_files import ModelUnavailable
from analysis.recognition.local.prepared_models import DETECTOR
from analysis.recognition.responses import Box

MIN_SCORE = 0.30

DESCRIPTION = Description(
    name="SSDLite-MobileNetV2",
    input=ModelInput(size=(300, 300), mean=(127.5,) * 3, std=(127.5,) * 3),
    output=ModelOutput(scores="scores", boxes="boxes", corners="yxyx"),
    classes=coco.NAMES,
    labels={},
    new_labels=(),
)


class Detection(NamedTuple):
    """One object."""

    class_name: str
    """COCO's, for example "cell phone"; of LOCAL_DETECTOR, its label or class by the TOML file."""
    score: float
    box: Box
    """Fractions of the picture, within 0 to 1."""


def is_available() -> bool:
    """True if a model's file is here."""
    own = configuration.current().detector
    return DETECTOR.record() is not None if own is None else own.is_file()


def detect(picture: NDArray[np.uint8]) -> list[Detection]:
    """Objects in an RGB picture, height x width x 3, of any size; highest score first.

    Scores are at least MIN_SCORE, and no two boxes of a class overlap much.
    Raises ModelUnavailable, OutOfMemory.
    """
    model = _model()
    description = model.description
    view = described_model.view_of(picture, description.input)
    scores, corners = _scores_and_corners(model, model.run(view))
    detections = []
    for index, score, box in boxes.best(scores, _in_picture(corners, view), minimum=MIN_SCORE):
        name = description.classes[index]
        name = description.labels.get(name, name)
        if name:
            detections.append(Detection(name, score, _box(box)))
    return detections


def _model() -> DescribedModel:
    own = configuration.current().detector
    if own is None:
        return described_model.of_prepared(DETECTOR, DESCRIPTION)
    return described_model.of_file(own, kind="detector")


def _scores_and_corners(model: DescribedModel, outputs: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Scores (boxes, classes) and corners (boxes, 4) in fractions of the input."""
    output = model.description.output
    number = len(model.description.classes)
    if output.predictions:
        encoded, scores = _split_predictions(model, outputs["predictions"], number)
    else:
        encoded, scores = outputs["boxes"].reshape(-1, 4), outputs["scores"]
    if output.classes:
        scores = _one_hot(scores.reshape(-1), outputs["classes"].reshape(-1), number)
    scores = scores.reshape(-1, scores.shape[-1])
    if scores.shape != (len(encoded), number):
        raise _wrong_shape(model, f"{scores.shape[0]} x {scores.shape[1]}", f"{len(encoded)} x {number}")
    return described_model.activate(scores, output.activation), _corners(encoded, model.description)


def _split_predictions(model: DescribedModel, predictions: Floats, number: int) -> tuple[Floats, Floats]:
    """Boxes and scores of rows or columns that hold both."""
    output = model.description.output
    length = 4 + number + output.has_objectness
    table = predictions.reshape(predictions.shape[-2:]) if math.prod(predictions.shape[:-2]) == 1 else predictions
    if table.ndim == 2 and table.shape[1] != length and table.shape[0] == length:
        table = table.T
    if table.ndim != 2 or table.shape[1] != length:
        raise _wrong_shape(model, " x ".join(map(str, predictions.shape)), f"1 x n x {length}")
    scores = table[:, 4 + output.has_objectness :]
    return table[:, :4], scores * table[:, 4:5] if output.has_objectness else scores


def _one_hot(scores: Floats, classes: Floats, number: int) -> Floats:
    """The score of each box in the column of its class.

    Classes that are not listed are dropped.
    """
    table = np.zeros((len(scores), number), np.float32)
    numbers = classes.astype(int)
    is_listed = (numbers >= 0) & (numbers < number)
    table[np.flatnonzero(is_listed), numbers[is_listed]] = scores[is_listed]
    return table


def _wrong_shape(model: DescribedModel, shape: str, expected: str) -> ModelUnavailable:
    return ModelUnavailable(
        gettext_noop("The output of %(model)s is %(shape)s, but by its description it should be %(expected)s."),
        model=model.name,
        shape=shape,
        expected=expected,
    )


def _corners(encoded: Floats, description: Description) -> Floats:
    if description.output.corners == "cxcywh":
        half = encoded[:, 2:] / 2
        corners = np.concatenate([encoded[:, :2] - half, encoded[:, :2] + half], axis=1)
    else:
        corners = encoded if description.output.corners == "xyxy" else encoded[:, [1, 0, 3, 2]]
    if description.output.unit == "pixels":
        corners = corners / np.array(description.input.size * 2, np.float32)
    return corners


def _in_picture(corners: Floats, view: View) -> Floats:
    """From fractions of the model's input to fractions of the picture."""
    offset = np.array((view.left, view.top) * 2, np.float32)
    size = np.array((view.width, view.height) * 2, np.float32)
    return np.asarray((offset + corners * size).clip(0, 1), dtype=np.float32)


def _box(corners: Floats) -> Box:
    left, top, right, bottom = corners.astype(float).tolist()
    return Box(left, top, right - left, bottom - top)
