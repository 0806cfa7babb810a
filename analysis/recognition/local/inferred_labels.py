"""Finds the few labels that follow with certainty from faces, text and pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.local.colors import oklab
from analysis.recognition.local.faces import Face
from analysis.recognition.local.text import Line


@dataclass(frozen=True)
class LabelInfo:
    """Fields of a label in a DetectLabels response: all ancestors, aliases, category."""

    parents: tuple[str, ...]
    aliases: tuple[str, ...]
    category: str


# As in responses of Rekognition's label model 3.0, except Black And White, which it does not have.
LABELS: Final[dict[str, LabelInfo]] = {
    "Person": LabelInfo((), ("Human",), "Person Description"),
    "Head": LabelInfo(("Person",), (), "Person Description"),
    "Face": LabelInfo(("Head", "Person"), (), "Person Description"),
    "Crowd": LabelInfo(("Person",), (), "Person Description"),
    "Groupshot": LabelInfo(("Person",), (), "Colors and Visual Composition"),
    "Photography": LabelInfo((), ("Photo",), "Hobbies and Interests"),
    "Portrait": LabelInfo(("Face", "Head", "Person", "Photography"), (), "Hobbies and Interests"),
    "Text": LabelInfo((), (), "Text and Documents"),
    "Document": LabelInfo(("Text",), (), "Text and Documents"),
    "Black And White": LabelInfo((), (), "Colors and Visual Composition"),
}

MIN_GROUP, MIN_CROWD = 3, 10  # faces


def find(rgb: NDArray[np.uint8], *, faces: tuple[Face, ...], lines: tuple[Line, ...]) -> dict[str, float]:
    """Confidence in percent by label, highest first, with all ancestors."""
    confidences: dict[str, float] = {}
    for name, confidence in _detect(rgb, faces, lines):
        for label in (name, *LABELS[name].parents):
            confidences[label] = max(confidence, confidences.get(label, 0.0))
    return dict(sorted(confidences.items(), key=lambda item: (-item[1], item[0])))


def _detect(rgb: NDArray[np.uint8], faces: tuple[Face, ...], lines: tuple[Line, ...]) -> Iterator[tuple[str, float]]:
    if faces:
        yield "Face", max(face.confidence for face in faces)
    if portrait := _portrait(faces, height=rgb.shape[0]):
        yield "Portrait", portrait
    for name, size in (("Groupshot", MIN_GROUP), ("Crowd", MIN_CROWD)):
        if len(faces) >= size:
            yield name, sorted(face.confidence for face in faces)[-size]
    if lines:
        yield "Text", max(line.confidence for line in lines)
    if document := _document(lines, rgb):
        yield "Document", document
    if gray := _black_and_white(rgb):
        yield "Black And White", gray


def _portrait(faces: tuple[Face, ...], *, height: int) -> float:
    """Confidence of a portrait: one face of at least an eighth of the image's height.

    Full confidence from a quarter of the height.
    """
    if len(faces) != 1:
        return 0.0
    share = faces[0].height / height
    return 0.0 if share < 1 / 8 else faces[0].confidence * min(1.0, 0.5 + 2 * share)


def _document(lines: tuple[Line, ...], rgb: NDArray[np.uint8]) -> float:
    """Confidence of a document: 5 text lines on 15 % of a light, colorless ground."""
    covered = text_share(lines, rgb)
    if len(lines) < 5 or covered < 0.15:
        return 0.0
    lightness, a, b = np.median(_lab(rgb), axis=0).tolist()
    if lightness < 0.65 or math.hypot(a, b) > 0.05:
        return 0.0
    return float(min(99.0, 70 + 60 * covered))


def text_share(lines: tuple[Line, ...], rgb: NDArray[np.uint8]) -> float:
    """The part of the picture that lines of text cover."""
    return float(sum(_area(line) for line in lines) / (rgb.shape[0] * rgb.shape[1]))


def _area(line: Line) -> float:
    """Area of the line's quadrilateral by the shoelace formula."""
    x, y = np.array(line.corners).T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def _black_and_white(rgb: NDArray[np.uint8]) -> float:
    """Confidence, if 99 of 100 pixels have no more color than the noise of a JPEG."""
    lab = _lab(rgb)
    colorful = float(np.percentile(np.hypot(lab[:, 1], lab[:, 2]), 99))
    return 0.0 if colorful > 0.02 else 99.0 - 1000 * max(0.0, colorful - 0.01)


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """OKLab values of a sample of about 20,000 pixels."""
    step = max(1, math.isqrt(rgb.shape[0] * rgb.shape[1] // 20_000))
    return oklab(rgb[::step, ::step].reshape(-1, 3))
