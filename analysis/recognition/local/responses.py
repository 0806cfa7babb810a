"""Builds responses in the JSON shapes of Rekognition's operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.base import Parameters
from analysis.recognition.local import colors, vocabulary
from analysis.recognition.local.face_traits import Traits
from analysis.recognition.local.faces import Face
from analysis.recognition.local.inferred_labels import LABELS, LabelInfo
from analysis.recognition.local.text import Corners, Line, Word
from analysis.recognition.local.voting import VotedLabel
from analysis.recognition.responses import Box

QUALITY_SIDE = 1024  # pixels; about the size on a screen, at which sharpness is judged

Json = dict[str, Any]
# Width and height in pixels.
Size = tuple[int, int]


def labels_response(labels: Iterable[VotedLabel], *, properties: Json, parameters: Parameters) -> Json:
    """A DetectLabels response without LabelModelVersion.

    With ImageProperties if the parameters request them.
    """
    admitted = [
        label
        for label in labels
        if label.confidence >= parameters.min_confidence
        and parameters.admits(label.name, category=_info(label.name).category)
    ]
    properties = {"ImageProperties": properties} if parameters.image_properties else {}
    return {"Labels": [_label(label) for label in admitted[: parameters.max_labels]], **properties}


def _info(name: str) -> LabelInfo:
    return LABELS.get(name) or vocabulary.labels()[name]


def _label(label: VotedLabel) -> Json:
    info = _info(label.name)
    return {
        "Name": label.name,
        "Confidence": label.confidence,
        "Instances": [
            {"BoundingBox": _box(instance.box), "Confidence": instance.confidence} for instance in label.instances
        ],
        "Parents": [{"Name": parent} for parent in info.parents],
        "Aliases": [{"Name": alias} for alias in info.aliases],
        "Categories": [{"Name": info.category}],
        # Not one of Rekognition's fields. Readers of its responses ignore it.
        **({"DetectedBy": [{"Name": model} for model in label.models]} if label.models else {}),
    }


def properties_response(rgb: NDArray[np.uint8]) -> Json:
    """ImageProperties of the whole image; Foreground and Background are left out."""
    quality = colors.quality(colors.gray(rgb, side=QUALITY_SIDE))
    return {
        "Quality": {name.capitalize(): value for name, value in asdict(quality).items()},
        "DominantColors": [_color(color) for color in colors.dominant(rgb)],
    }


def _color(color: colors.Dominant) -> Json:
    return {
        "Red": color.red,
        "Blue": color.blue,
        "Green": color.green,
        "HexCode": f"#{color.red:02x}{color.green:02x}{color.blue:02x}",
        "CSSColor": color.css_color,
        "SimplifiedColor": color.simplified_color,
        "PixelPercent": color.percent,
    }


def faces_response(faces: tuple[Face, ...], traits: tuple[Traits, ...], *, size: Size) -> Json:
    """A DetectFaces response with box, quality and confidence.

    `traits`: of the first faces; empty unless they are estimated. Emotions are left out.
    """
    details = [
        {
            "BoundingBox": _box(face_box(face, size)),
            "Quality": {"Brightness": face.quality.brightness, "Sharpness": face.quality.sharpness},
            "Confidence": face.confidence,
        }
        for face in faces
    ]
    for detail, estimated in zip(details, traits, strict=False):
        detail["AgeRange"] = {"Low": estimated.age_low, "High": estimated.age_high}
        detail["Gender"] = {"Value": estimated.gender, "Confidence": estimated.confidence}
    return {"FaceDetails": details}


def moderation_response(score: float, *, parameters: Parameters) -> Json:
    """A DetectModerationLabels response without ModerationModelVersion.

    A single score can only name a label of Rekognition's first level.
    """
    label = {"Name": "Explicit", "ParentName": "", "TaxonomyLevel": 1, "Confidence": 100 * score}
    return {"ModerationLabels": [label] if 100 * score >= parameters.moderation_min_confidence else []}


def text_response(lines: tuple[Line, ...], *, size: Size) -> Json:
    """A DetectText response without TextModelVersion."""
    detections = [{**_detection(line, "LINE", size), "Id": number} for number, line in enumerate(lines)]
    for number, line in enumerate(lines):
        for word in line.words:
            detections.append({**_detection(word, "WORD", size), "Id": len(detections), "ParentId": number})
    return {"TextDetections": detections}


def _detection(word: Word, kind: str, size: Size) -> Json:
    return {
        "DetectedText": word.text,
        "Type": kind,
        "Confidence": word.confidence,
        "Geometry": _geometry(word.corners, size),
    }


def _geometry(corners: Corners, size: Size) -> Json:
    points = [(x / size[0], y / size[1]) for x, y in corners]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    right, bottom = max(x for x, _ in points), max(y for _, y in points)
    return {
        "BoundingBox": {"Width": right - left, "Height": bottom - top, "Left": left, "Top": top},
        "Polygon": [{"X": x, "Y": y} for x, y in points],
    }


def face_box(face: Face, size: Size) -> Box:
    width, height = size
    return Box(face.left / width, face.top / height, face.width / width, face.height / height)


def _box(box: Box) -> Json:
    return {"Width": box.width, "Height": box.height, "Left": box.left, "Top": box.top}
