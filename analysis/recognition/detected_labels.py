"""The labels, face attributes, colors and text lines of a response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.models import Label
from analysis.recognition import responses


@dataclass(frozen=True)
class DetectedLabel:
    """A label as the response names it, before it has a row. Confidence is percent."""

    kind: str
    name: str
    confidence: float
    instance_count: int = 0
    category: str = ""
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name, cut to the column's length.

        The database compares the names, ignoring case.
        """
        return self.kind, self.name[:200]


def detected_labels(api: str, answer: Mapping[str, Any], *, threshold: float = 75.0) -> list[DetectedLabel]:
    """The distinct labels of a response, each with its highest confidence.

    `threshold`: percent below which a face's attributes and emotions are left out.
    """
    by_key: dict[tuple[str, str], DetectedLabel] = {}
    for label in _labels(api, answer, threshold):
        if label.key not in by_key or by_key[label.key].confidence < label.confidence:
            by_key[label.key] = label
    return list(by_key.values())


def lines_in(answer: Mapping[str, Any]) -> str:
    """The lines of text, one per line.

    WORD entries repeat parts of them and are left out.
    """
    return "\n".join(text.text for text in responses.texts_in(answer) if text.is_line)


def traits_of(face: responses.DetectedFace, *, threshold: float) -> dict[str, float]:
    """Attributes that are true of a face: "Smile", "Eyes Open", "Female"."""
    return {
        _spaced(value if isinstance(value, str) else name): confidence
        for name, (value, confidence) in face.attributes.items()
        if value and confidence >= threshold
    }


def emotions_of(face: responses.DetectedFace, *, threshold: float) -> dict[str, float]:
    """Emotions of a face of at least `threshold` percent, with their confidence."""
    return {
        emotion.type.capitalize(): emotion.confidence
        for emotion in face.emotions
        if emotion.confidence >= threshold and emotion.type != "UNKNOWN"
    }


def _labels(api: str, answer: Mapping[str, Any], threshold: float) -> Iterator[DetectedLabel]:
    match api:
        case "labels":
            yield from _labels_and_colors(answer)
        case "faces":
            for face in responses.faces_in(answer):
                yield from _face_labels(face, threshold)
        case "celebrities":
            for celebrity in responses.celebrities_in(answer):
                yield DetectedLabel(Label.Kind.CELEBRITY, celebrity.name, celebrity.confidence, instance_count=1)
        case "moderation":
            for label in responses.moderation_in(answer):
                parents = (label.parent,) if label.parent else ()
                yield DetectedLabel(Label.Kind.MODERATION, label.name, label.confidence, parents=parents)


def _labels_and_colors(answer: Mapping[str, Any]) -> Iterator[DetectedLabel]:
    for label in responses.labels_in(answer):
        yield DetectedLabel(
            Label.Kind.LABEL,
            label.name,
            label.confidence,
            instance_count=len(label.instances),
            category=label.categories[0] if label.categories else "",
            parents=label.parents,
            aliases=label.aliases,
        )
    for color in responses.colors_in(answer):
        if color.simplified_color:
            # A color's share of the pixels is its confidence, so that red>=30 can be searched.
            yield DetectedLabel(Label.Kind.COLOR, color.simplified_color.capitalize(), color.percent)


def _face_labels(face: responses.DetectedFace, threshold: float) -> Iterator[DetectedLabel]:
    for name, confidence in traits_of(face, threshold=threshold).items():
        yield DetectedLabel(Label.Kind.FACE, name, confidence, instance_count=1)
    for name, confidence in emotions_of(face, threshold=threshold).items():
        yield DetectedLabel(Label.Kind.EMOTION, name, confidence, instance_count=1)


def _spaced(name: str) -> str:
    """EyesOpen as "Eyes Open"."""
    return "".join(f" {letter}" if letter.isupper() and index else letter for index, letter in enumerate(name))
