"""The few labels that follow from faces, text and pixels for certain; nothing is guessed."""

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
class Kind:
    """What Rekognition says of a label besides its name: every ancestor, other names, category."""

    parents: tuple[str, ...]
    aliases: tuple[str, ...]
    category: str


# As Rekognition's label model 3.0 answers; Black And White is ours in its manner.
KINDS: Final[dict[str, Kind]] = {
    "Person": Kind((), ("Human",), "Person Description"),
    "Head": Kind(("Person",), (), "Person Description"),
    "Face": Kind(("Head", "Person"), (), "Person Description"),
    "Crowd": Kind(("Person",), (), "Person Description"),
    "Groupshot": Kind(("Person",), (), "Colors and Visual Composition"),
    "Photography": Kind((), ("Photo",), "Hobbies and Interests"),
    "Portrait": Kind(("Face", "Head", "Person", "Photography"), (), "Hobbies and Interests"),
    "Text": Kind((), (), "Text and Documents"),
    "Document": Kind(("Text",), (), "Text and Documents"),
    "Black And White": Kind((), (), "Colors and Visual Composition"),
}

GROUP = 3
CROWD = 10


def find(rgb: NDArray[np.uint8], *, faces: tuple[Face, ...], lines: tuple[Line, ...]) -> dict[str, float]:
    """Label to percent, surest first. Ancestors come along, as Rekognition's do."""
    found: dict[str, float] = {}
    for name, confidence in _found(rgb, faces, lines):
        for each in (name, *KINDS[name].parents):
            found[each] = max(confidence, found.get(each, 0.0))
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _found(rgb: NDArray[np.uint8], faces: tuple[Face, ...], lines: tuple[Line, ...]) -> Iterator[tuple[str, float]]:
    if faces:
        yield "Face", max(face.confidence for face in faces)
    if portrait := _portrait(faces, height=rgb.shape[0]):
        yield "Portrait", portrait
    for name, size in (("Groupshot", GROUP), ("Crowd", CROWD)):
        if len(faces) >= size:
            yield name, sorted(face.confidence for face in faces)[-size]
    if lines:
        yield "Text", max(line.confidence for line in lines)
    if document := _document(lines, rgb):
        yield "Document", document
    if gray := _black_and_white(rgb):
        yield "Black And White", gray


def _portrait(faces: tuple[Face, ...], *, height: int) -> float:
    """One face alone that fills the picture: from an eighth of its height on, surely from a quarter on."""
    if len(faces) != 1:
        return 0.0
    share = faces[0].height / height
    return 0.0 if share < 1 / 8 else faces[0].confidence * min(1.0, 0.5 + 2 * share)


def _document(lines: tuple[Line, ...], rgb: NDArray[np.uint8]) -> float:
    """At least five lines that cover a seventh of a ground that is light and without color."""
    covered = sum(_area(line) for line in lines) / (rgb.shape[0] * rgb.shape[1])
    if len(lines) < 5 or covered < 0.15:
        return 0.0
    lightness, a, b = np.median(_lab(rgb), axis=0).tolist()
    if lightness < 0.65 or math.hypot(a, b) > 0.05:
        return 0.0
    return float(min(99.0, 70 + 60 * covered))


def _area(line: Line) -> float:
    """A four-sided polygon's, by the shoelace formula."""
    x, y = np.array(line.corners).T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def _black_and_white(rgb: NDArray[np.uint8]) -> float:
    """Hardly a pixel with color in it: 99 of 100 less colorful than a JPEG's own noise, about 0.01 in OKLab."""
    lab = _lab(rgb)
    colorful = float(np.percentile(np.hypot(lab[:, 1], lab[:, 2]), 99))
    return 0.0 if colorful > 0.02 else 99.0 - 1000 * max(0.0, colorful - 0.01)


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A sample of about 20,000 pixels."""
    step = max(1, math.isqrt(rgb.shape[0] * rgb.shape[1] // 20_000))
    return oklab(rgb[::step, ::step].reshape(-1, 3))
