"""Faces, celebrities, text, moderation and colors for messages of sinks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from analysis.models import Analysis, Image
from analysis.recognition import responses
from analysis.recognition.responses import Box, Color, DetectedFace, DetectedText, Quality

MAX_EMOTIONS = 3
MAX_TEXT = 500
"""Characters of one line of text."""
Details = dict[str, Any]
Api = Analysis.Api


def image_details(image_ids: Collection[int]) -> dict[int, Details]:
    """Results of the current analyses by picture, and the version of its S3 object.

    None: the API has not analyzed the picture. An empty list: it found nothing.
    """
    images = Image.objects.filter(pk__in=image_ids).values_list("pk", "version_id")
    details: dict[int, Details] = {pk: _empty() | {"version_id": version_id or None} for pk, version_id in images}
    rows = Analysis.objects.current().filter(image_id__in=image_ids)
    # A few responses at a time, since the largest have megabytes.
    for image_id, api, version, answer in rows.values_list("image_id", "api", "model_version", "answer").iterator(100):
        if image_id in details:
            details[image_id]["models"][api] = version
            details[image_id] |= _READERS[api](answer)
    return details


def _empty() -> Details:
    fields = ("faces", "celebrities", "text", "moderation", "colors", "quality")
    return {"models": {}, **dict.fromkeys(fields)}


def _from_labels(answer: object) -> Details:
    """Colors and quality, which are part of the response of the labels API."""
    return {
        "colors": [_color(color) for color in responses.colors_in(answer)],
        "quality": _quality(responses.quality_in(answer)),
    }


def _from_faces(answer: object) -> Details:
    return {"faces": [_face(face) for face in responses.faces_in(answer)]}


def _from_celebrities(answer: object) -> Details:
    return {
        "celebrities": [
            {
                "name": celebrity.name,
                "id": celebrity.id,
                "confidence": _rounded(celebrity.confidence),
                "urls": list(celebrity.urls),
                "box": _box(celebrity.box),
            }
            for celebrity in responses.celebrities_in(answer)
        ]
    }


def _from_text(answer: object) -> Details:
    # Only lines, since words are parts of them.
    return {"text": [_line(text) for text in responses.texts_in(answer) if text.is_line]}


def _from_moderation(answer: object) -> Details:
    return {
        "moderation": [
            {"name": label.name, "parent": label.parent, "confidence": _rounded(label.confidence)}
            for label in responses.moderation_in(answer)
        ]
    }


_READERS: dict[str, Callable[[object], Details]] = {
    Api.LABELS: _from_labels,
    Api.FACES: _from_faces,
    Api.CELEBRITIES: _from_celebrities,
    Api.TEXT: _from_text,
    Api.MODERATION: _from_moderation,
}


def _face(face: DetectedFace) -> Details:
    return {
        "confidence": _rounded(face.confidence),
        "box": _box(face.box),
        "age_low": face.age_low,
        "age_high": face.age_high,
        "gender": face.gender,
        "smile": face.smile,
        "emotions": [
            {"type": emotion.type, "confidence": _rounded(emotion.confidence)}
            for emotion in face.emotions[:MAX_EMOTIONS]
        ],
    }


def _line(text: DetectedText) -> Details:
    return {"text": text.text[:MAX_TEXT], "confidence": _rounded(text.confidence), "box": _box(text.box)}


def _color(color: Color) -> Details:
    return {"hex": color.hex, "name": color.css_color, "percent": _rounded(color.percent)}


def _quality(quality: Quality | None) -> Details | None:
    if quality is None:
        return None
    values = {"brightness": quality.brightness, "sharpness": quality.sharpness, "contrast": quality.contrast}
    return {name: None if value is None else _rounded(value) for name, value in values.items()}


def _box(box: Box | None) -> Sequence[float] | None:
    """Left, top, width and height as fractions of the upright picture."""
    if box is None:
        return None
    inside = box.clamped()
    return [round(side, 4) for side in (inside.left, inside.top, inside.width, inside.height)]


def _rounded(percent: float) -> float:
    return round(percent, 2)
