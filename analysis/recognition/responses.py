"""Reads responses in Rekognition's JSON shape.

Skips entries that are incomplete, unknown or invalid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from analysis.recognition import json_fields

# AWS's service model declares all fields of a response optional, so no function here relies on one.


@dataclass(frozen=True)
class Box:
    """Fractions of the upright image's width and height, origin top left.

    Rekognition's may exceed 0 to 1.
    """

    left: float
    top: float
    width: float
    height: float

    def clamped(self) -> Box:
        """The part inside the image, for display."""
        left, top = _fraction(self.left), _fraction(self.top)
        right, bottom = _fraction(self.left + self.width), _fraction(self.top + self.height)
        return Box(left, top, right - left, bottom - top)


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Color:
    red: int
    green: int
    blue: int
    hex: str  # "#rrggbb"
    css_color: str
    simplified_color: str  # one of Rekognition's twelve names, "grey" spelled as there
    percent: float


@dataclass(frozen=True)
class Quality:
    """Values from 0 to 100. Contrast exists for an image, not for a face."""

    brightness: float | None
    sharpness: float | None
    contrast: float | None


@dataclass(frozen=True)
class Instance:
    box: Box
    confidence: float
    colors: tuple[Color, ...] = ()


@dataclass(frozen=True)
class LabelResult:
    name: str
    confidence: float
    parents: tuple[str, ...] = ()  # every ancestor, not only the nearest
    aliases: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    instances: tuple[Instance, ...] = ()
    detected_by: tuple[str, ...] = ()  # "classifier", "detector"; of the local recognizer only


class Attribute(NamedTuple):
    value: bool | str
    confidence: float


class Emotion(NamedTuple):
    type: str
    confidence: float


@dataclass(frozen=True)
class DetectedFace:
    """A face; `attributes` by Rekognition's name, including unknown ones."""

    box: Box
    confidence: float
    age_low: int | None
    age_high: int | None
    gender: str | None
    smile: bool | None
    attributes: Mapping[str, Attribute]
    emotions: tuple[Emotion, ...]  # highest confidence first
    quality: Quality | None


@dataclass(frozen=True)
class DetectedText:
    text: str
    is_line: bool
    confidence: float
    box: Box | None
    polygon: tuple[Point, ...]


@dataclass(frozen=True)
class CelebrityResult:
    name: str
    id: str
    confidence: float
    box: Box | None
    urls: tuple[str, ...]
    known_gender: str | None


@dataclass(frozen=True)
class ModerationResult:
    name: str
    parent: str  # "" at the top of the taxonomy
    level: int | None
    confidence: float


def labels_in(content: object) -> tuple[LabelResult, ...]:
    """The labels of a DetectLabels response, in its order."""
    return tuple(
        LabelResult(
            name=name,
            confidence=confidence,
            parents=json_fields.names(entry, "Parents"),
            aliases=json_fields.names(entry, "Aliases"),
            categories=json_fields.names(entry, "Categories"),
            instances=tuple(_instances(entry, of_label=confidence)),
            detected_by=json_fields.names(entry, "DetectedBy"),
        )
        for entry in json_fields.entries(content, "Labels")
        if (name := json_fields.text(entry, "Name"))
        and (confidence := json_fields.percent(entry, "Confidence")) is not None
    )


def colors_in(content: object) -> tuple[Color, ...]:
    """The dominant colors of the image."""
    return _colors(json_fields.mapping(content, "ImageProperties"))


def quality_in(content: object) -> Quality | None:
    """The quality of the image, or None."""
    return _quality(json_fields.mapping(content, "ImageProperties"))


def faces_in(content: object) -> tuple[DetectedFace, ...]:
    """The faces of a DetectFaces response, in its order."""
    return tuple(
        _face(entry, box=box, confidence=confidence)
        for entry in json_fields.entries(content, "FaceDetails")
        if (box := _box(entry)) and (confidence := json_fields.percent(entry, "Confidence")) is not None
    )


def texts_in(content: object) -> tuple[DetectedText, ...]:
    """Lines and words of a DetectText response. Each word is also part of a line."""
    return tuple(
        DetectedText(
            text=text,
            is_line=kind == "LINE",
            confidence=confidence,
            box=_box(json_fields.mapping(entry, "Geometry")),
            polygon=tuple(_points(json_fields.mapping(entry, "Geometry"))),
        )
        for entry in json_fields.entries(content, "TextDetections")
        if (text := json_fields.text(entry, "DetectedText"))
        and (kind := json_fields.text(entry, "Type")) in {"LINE", "WORD"}
        and (confidence := json_fields.percent(entry, "Confidence")) is not None
    )


def celebrities_in(content: object) -> tuple[CelebrityResult, ...]:
    """The celebrities of a RecognizeCelebrities response, with match confidence."""
    return tuple(
        CelebrityResult(
            name=name,
            id=json_fields.text(entry, "Id"),
            confidence=confidence,
            box=_box(json_fields.mapping(entry, "Face")),
            urls=tuple(url for url in json_fields.items(entry, "Urls") if isinstance(url, str) and url),
            known_gender=json_fields.text(json_fields.mapping(entry, "KnownGender"), "Type") or None,
        )
        for entry in json_fields.entries(content, "CelebrityFaces")
        if (name := json_fields.text(entry, "Name"))
        and (confidence := json_fields.percent(entry, "MatchConfidence")) is not None
    )


def moderation_in(content: object) -> tuple[ModerationResult, ...]:
    """The labels of a DetectModerationLabels response."""
    return tuple(
        ModerationResult(
            name=name,
            parent=json_fields.text(entry, "ParentName"),
            level=json_fields.integer(entry, "TaxonomyLevel"),
            confidence=confidence,
        )
        for entry in json_fields.entries(content, "ModerationLabels")
        if (name := json_fields.text(entry, "Name"))
        and (confidence := json_fields.percent(entry, "Confidence")) is not None
    )


def _face(entry: Mapping[str, Any], *, box: Box, confidence: float) -> DetectedFace:
    attributes = dict(_attributes(entry))
    emotions = (
        Emotion(kind, sure)
        for emotion in json_fields.entries(entry, "Emotions")
        if (kind := json_fields.text(emotion, "Type"))
        and (sure := json_fields.percent(emotion, "Confidence")) is not None
    )
    gender = attributes["Gender"].value if "Gender" in attributes else None
    smile = attributes["Smile"].value if "Smile" in attributes else None
    return DetectedFace(
        box=box,
        confidence=confidence,
        age_low=json_fields.integer(json_fields.mapping(entry, "AgeRange"), "Low"),
        age_high=json_fields.integer(json_fields.mapping(entry, "AgeRange"), "High"),
        gender=gender if isinstance(gender, str) else None,
        smile=smile if isinstance(smile, bool) else None,
        attributes=attributes,
        emotions=tuple(sorted(emotions, key=lambda emotion: -emotion.confidence)),
        quality=_quality(entry),
    )


def _attributes(entry: Mapping[str, Any]) -> Iterator[tuple[str, Attribute]]:
    for name in entry:
        attribute = json_fields.mapping(entry, name)
        value, confidence = attribute.get("Value"), json_fields.percent(attribute, "Confidence")
        if isinstance(value, bool | str) and confidence is not None:
            yield name, Attribute(value, confidence)


def _instances(entry: Mapping[str, Any], *, of_label: float) -> Iterator[Instance]:
    for instance in json_fields.entries(entry, "Instances"):
        if box := _box(instance):
            confidence = json_fields.percent(instance, "Confidence")
            yield Instance(box, of_label if confidence is None else confidence, _colors(instance))


def _colors(entry: Mapping[str, Any]) -> tuple[Color, ...]:
    return tuple(
        Color(
            red=red,
            green=green,
            blue=blue,
            hex=f"#{red:02x}{green:02x}{blue:02x}",
            css_color=json_fields.text(color, "CSSColor"),
            simplified_color=json_fields.text(color, "SimplifiedColor"),
            percent=percent,
        )
        for color in json_fields.entries(entry, "DominantColors")
        if (red := json_fields.color_channel(color, "Red")) is not None
        and (green := json_fields.color_channel(color, "Green")) is not None
        and (blue := json_fields.color_channel(color, "Blue")) is not None
        and (percent := json_fields.percent(color, "PixelPercent")) is not None
    )


def _quality(entry: Mapping[str, Any]) -> Quality | None:
    quality = json_fields.mapping(entry, "Quality")
    values = [json_fields.percent(quality, name) for name in ("Brightness", "Sharpness", "Contrast")]
    return None if values == [None, None, None] else Quality(*values)


def _box(entry: Mapping[str, Any]) -> Box | None:
    box = json_fields.mapping(entry, "BoundingBox")
    left, top, width, height = (json_fields.number(box, side) for side in ("Left", "Top", "Width", "Height"))
    if left is None or top is None or width is None or height is None or width <= 0 or height <= 0:
        return None
    return Box(left, top, width, height)


def _points(entry: Mapping[str, Any]) -> Iterator[Point]:
    for point in json_fields.entries(entry, "Polygon"):
        x, y = json_fields.number(point, "X"), json_fields.number(point, "Y")
        if x is not None and y is not None:
            yield Point(x, y)


def _fraction(value: float) -> float:
    return min(max(value, 0.0), 1.0)
