"""What an answer lets a picture be found by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.models import Label
from analysis.recognition import responses


@dataclass(frozen=True)
class DetectedLabel:
    """A label as an answer names it, before it has a row. Confidence is percent."""

    kind: str
    name: str
    confidence: float
    instance_count: int = 0
    category: str = ""
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name as said, cut to the column's length. Which names are the same the database decides."""
        return self.kind, self.name[:200]


def detected_labels(api: str, answer: Mapping[str, Any], *, threshold: float = 75.0) -> list[DetectedLabel]:
    """Each name once, its highest confidence winning. `threshold`: percent below which a face's traits do not count."""
    words: dict[tuple[str, str], DetectedLabel] = {}
    for word in _words(api, answer, threshold):
        if word.key not in words or words[word.key].confidence < word.confidence:
            words[word.key] = word
    return list(words.values())


def lines_in(answer: Mapping[str, Any]) -> str:
    """The lines that are written in a picture, one below the other. Words are their parts and would count twice."""
    return "\n".join(text.text for text in responses.texts_in(answer) if text.is_line)


def traits_of(face: responses.DetectedFace, *, threshold: float) -> dict[str, float]:
    """What is surely true of a face, in words with their confidence: "Smile", "Eyes Open", "Female"."""
    return {
        _spaced(value if isinstance(value, str) else name): sure
        for name, (value, sure) in face.attributes.items()
        if value and sure >= threshold
    }


def emotions_of(face: responses.DetectedFace, *, threshold: float) -> dict[str, float]:
    """The emotions a face surely shows, with their confidence."""
    return {
        emotion.type.capitalize(): emotion.confidence
        for emotion in face.emotions
        if emotion.confidence >= threshold and emotion.type != "UNKNOWN"
    }


def _words(api: str, answer: Mapping[str, Any], threshold: float) -> Iterator[DetectedLabel]:
    match api:
        case "labels":
            yield from _label_words(answer)
        case "faces":
            for face in responses.faces_in(answer):
                yield from _face_words(face, threshold)
        case "celebrities":
            for celebrity in responses.celebrities_in(answer):
                yield DetectedLabel(Label.Kind.CELEBRITY, celebrity.name, celebrity.confidence, instance_count=1)
        case "moderation":
            for found in responses.moderation_in(answer):
                parents = (found.parent,) if found.parent else ()
                yield DetectedLabel(Label.Kind.MODERATION, found.name, found.confidence, parents=parents)


def _label_words(answer: Mapping[str, Any]) -> Iterator[DetectedLabel]:
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
            yield DetectedLabel(Label.Kind.COLOR, color.simplified_color.capitalize(), color.percent)


def _face_words(face: responses.DetectedFace, threshold: float) -> Iterator[DetectedLabel]:
    for name, sure in traits_of(face, threshold=threshold).items():
        yield DetectedLabel(Label.Kind.FACE, name, sure, instance_count=1)
    for name, sure in emotions_of(face, threshold=threshold).items():
        yield DetectedLabel(Label.Kind.EMOTION, name, sure, instance_count=1)


def _spaced(name: str) -> str:
    """EyesOpen as people write it: "Eyes Open"."""
    return "".join(f" {letter}" if letter.isupper() and place else letter for place, letter in enumerate(name))
