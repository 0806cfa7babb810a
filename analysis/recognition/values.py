"""Reads an answer in Rekognition's JSON shape into values; what is missing, unknown or nonsense is passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from analysis.recognition import received

# Every field of Rekognition's answers is optional in its own service model, so no reader here relies on any.


@dataclass(frozen=True)
class Box:
    """Fractions of the upright picture's width and height, origin top left; Rekognition's may leave the picture."""

    left: float
    top: float
    width: float
    height: float

    def clamped(self) -> Box:
        """The part inside the picture, for display."""
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
    """Each 0 to 100; contrast is known for a whole picture only."""

    brightness: float | None
    sharpness: float | None
    contrast: float | None


@dataclass(frozen=True)
class Instance:
    box: Box
    confidence: float
    colors: tuple[Color, ...] = ()


@dataclass(frozen=True)
class FoundLabel:
    name: str
    confidence: float
    parents: tuple[str, ...] = ()  # every ancestor, not only the nearest
    aliases: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    instances: tuple[Instance, ...] = ()


class Attribute(NamedTuple):
    value: bool | str
    confidence: float


class Emotion(NamedTuple):
    type: str
    confidence: float


@dataclass(frozen=True)
class FoundFace:
    """`attributes` are by Rekognition's names ("Smile", "Eyeglasses", "Gender" …), those to come included."""

    box: Box
    confidence: float
    age_low: int | None
    age_high: int | None
    gender: str | None
    smile: bool | None
    attributes: Mapping[str, Attribute]
    emotions: tuple[Emotion, ...]  # surest first
    quality: Quality | None


@dataclass(frozen=True)
class FoundText:
    text: str
    is_line: bool
    confidence: float
    box: Box | None
    polygon: tuple[Point, ...]


@dataclass(frozen=True)
class FoundCelebrity:
    name: str
    id: str
    confidence: float
    box: Box | None
    urls: tuple[str, ...]
    known_gender: str | None


@dataclass(frozen=True)
class FoundModeration:
    name: str
    parent: str  # "" at the top of the taxonomy
    level: int | None
    confidence: float


def labels_in(content: object) -> tuple[FoundLabel, ...]:
    """The labels of a DetectLabels answer, in its order."""
    return tuple(
        FoundLabel(
            name=name,
            confidence=confidence,
            parents=received.names(entry, "Parents"),
            aliases=received.names(entry, "Aliases"),
            categories=received.names(entry, "Categories"),
            instances=tuple(_instances(entry, of_label=confidence)),
        )
        for entry in received.entries(content, "Labels")
        if (name := received.text(entry, "Name")) and (confidence := received.percent(entry, "Confidence")) is not None
    )


def colors_in(content: object) -> tuple[Color, ...]:
    """The dominant colors of a whole picture."""
    return _colors(received.part(content, "ImageProperties"))


def quality_in(content: object) -> Quality | None:
    """The quality of a whole picture; None where the answer has none."""
    return _quality(received.part(content, "ImageProperties"))


def faces_in(content: object) -> tuple[FoundFace, ...]:
    """The faces of a DetectFaces answer, in its order."""
    return tuple(
        _face(entry, box=box, confidence=confidence)
        for entry in received.entries(content, "FaceDetails")
        if (box := _box(entry)) and (confidence := received.percent(entry, "Confidence")) is not None
    )


def texts_in(content: object) -> tuple[FoundText, ...]:
    """Lines and words of a DetectText answer. Words repeat what the lines say: count one of the two."""
    return tuple(
        FoundText(
            text=text,
            is_line=kind == "LINE",
            confidence=confidence,
            box=_box(received.part(entry, "Geometry")),
            polygon=tuple(_points(received.part(entry, "Geometry"))),
        )
        for entry in received.entries(content, "TextDetections")
        if (text := received.text(entry, "DetectedText"))
        and (kind := received.text(entry, "Type")) in {"LINE", "WORD"}
        and (confidence := received.percent(entry, "Confidence")) is not None
    )


def celebrities_in(content: object) -> tuple[FoundCelebrity, ...]:
    """The celebrities of a RecognizeCelebrities answer with the confidence of the match."""
    return tuple(
        FoundCelebrity(
            name=name,
            id=received.text(entry, "Id"),
            confidence=confidence,
            box=_box(received.part(entry, "Face")),
            urls=tuple(url for url in received.listed(entry, "Urls") if isinstance(url, str) and url),
            known_gender=received.text(received.part(entry, "KnownGender"), "Type") or None,
        )
        for entry in received.entries(content, "CelebrityFaces")
        if (name := received.text(entry, "Name"))
        and (confidence := received.percent(entry, "MatchConfidence")) is not None
    )


def moderation_in(content: object) -> tuple[FoundModeration, ...]:
    """The labels of a DetectModerationLabels answer."""
    return tuple(
        FoundModeration(
            name=name,
            parent=received.text(entry, "ParentName"),
            level=received.whole(entry, "TaxonomyLevel"),
            confidence=confidence,
        )
        for entry in received.entries(content, "ModerationLabels")
        if (name := received.text(entry, "Name")) and (confidence := received.percent(entry, "Confidence")) is not None
    )


def _face(entry: Mapping[str, Any], *, box: Box, confidence: float) -> FoundFace:
    attributes = dict(_attributes(entry))
    emotions = (
        Emotion(type_, sure)
        for emotion in received.entries(entry, "Emotions")
        if (type_ := received.text(emotion, "Type")) and (sure := received.percent(emotion, "Confidence")) is not None
    )
    gender = attributes["Gender"].value if "Gender" in attributes else None
    smile = attributes["Smile"].value if "Smile" in attributes else None
    return FoundFace(
        box=box,
        confidence=confidence,
        age_low=received.whole(received.part(entry, "AgeRange"), "Low"),
        age_high=received.whole(received.part(entry, "AgeRange"), "High"),
        gender=gender if isinstance(gender, str) else None,
        smile=smile if isinstance(smile, bool) else None,
        attributes=attributes,
        emotions=tuple(sorted(emotions, key=lambda emotion: -emotion.confidence)),
        quality=_quality(entry),
    )


def _attributes(entry: Mapping[str, Any]) -> Iterator[tuple[str, Attribute]]:
    for name in entry:
        found = received.part(entry, name)
        value, confidence = found.get("Value"), received.percent(found, "Confidence")
        if isinstance(value, bool | str) and confidence is not None:
            yield name, Attribute(value, confidence)


def _instances(entry: Mapping[str, Any], *, of_label: float) -> Iterator[Instance]:
    for instance in received.entries(entry, "Instances"):
        if box := _box(instance):
            confidence = received.percent(instance, "Confidence")
            yield Instance(box, of_label if confidence is None else confidence, _colors(instance))


def _colors(entry: Mapping[str, Any]) -> tuple[Color, ...]:
    return tuple(
        Color(
            red=red,
            green=green,
            blue=blue,
            hex=f"#{red:02x}{green:02x}{blue:02x}",
            css_color=received.text(color, "CSSColor"),
            simplified_color=received.text(color, "SimplifiedColor"),
            percent=percent,
        )
        for color in received.entries(entry, "DominantColors")
        if (red := received.channel(color, "Red")) is not None
        and (green := received.channel(color, "Green")) is not None
        and (blue := received.channel(color, "Blue")) is not None
        and (percent := received.percent(color, "PixelPercent")) is not None
    )


def _quality(entry: Mapping[str, Any]) -> Quality | None:
    quality = received.part(entry, "Quality")
    figures = [received.percent(quality, name) for name in ("Brightness", "Sharpness", "Contrast")]
    return None if figures == [None, None, None] else Quality(*figures)


def _box(entry: Mapping[str, Any]) -> Box | None:
    box = received.part(entry, "BoundingBox")
    left, top, width, height = (received.number(box, side) for side in ("Left", "Top", "Width", "Height"))
    if left is None or top is None or width is None or height is None or width <= 0 or height <= 0:
        return None
    return Box(left, top, width, height)


def _points(entry: Mapping[str, Any]) -> Iterator[Point]:
    for point in received.entries(entry, "Polygon"):
        x, y = received.number(point, "X"), received.number(point, "Y")
        if x is not None and y is not None:
            yield Point(x, y)


def _fraction(value: float) -> float:
    return min(max(value, 0.0), 1.0)
