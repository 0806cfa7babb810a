"""Builds responses in the JSON shapes of DetectLabels, DetectFaces and DetectText."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.base import Parameters
from analysis.recognition.local import colors
from analysis.recognition.local.faces import Face
from analysis.recognition.local.labels import LABELS
from analysis.recognition.local.text import Corners, Line, Word

QUALITY_SIDE = 1024  # pixels; about the size on a screen, where sharpness is seen

Json = dict[str, Any]
# Width and height in pixels.
Size = tuple[int, int]


def labels_response(
    confidences: Mapping[str, float], *, faces: tuple[Face, ...], size: Size, properties: Json, parameters: Parameters
) -> Json:
    """A DetectLabels response without LabelModelVersion.

    With ImageProperties if the parameters request them.
    """
    names = [
        name
        for name, confidence in confidences.items()
        if confidence >= parameters.min_confidence and parameters.admits(name, category=LABELS[name].category)
    ]
    labels = [_label(name, confidences[name], faces, size) for name in names[: parameters.max_labels]]
    return {"Labels": labels, **({"ImageProperties": properties} if parameters.image_properties else {})}


def _label(name: str, confidence: float, faces: tuple[Face, ...], size: Size) -> Json:
    # Only faces have a detected position; of a person nothing else is known.
    instances = [{"BoundingBox": _face_box(face, size), "Confidence": face.confidence} for face in faces]
    info = LABELS[name]
    return {
        "Name": name,
        "Confidence": confidence,
        "Instances": instances if name == "Face" else [],
        "Parents": [{"Name": parent} for parent in info.parents],
        "Aliases": [{"Name": alias} for alias in info.aliases],
        "Categories": [{"Name": info.category}],
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


def faces_response(faces: tuple[Face, ...], *, size: Size) -> Json:
    """A DetectFaces response with box, quality and confidence.

    Without age, gender and emotions.
    """
    return {
        "FaceDetails": [
            {
                "BoundingBox": _face_box(face, size),
                "Quality": {"Brightness": face.quality.brightness, "Sharpness": face.quality.sharpness},
                "Confidence": face.confidence,
            }
            for face in faces
        ]
    }


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


def _face_box(face: Face, size: Size) -> Json:
    width, height = size
    return {
        "Width": face.width / width,
        "Height": face.height / height,
        "Left": face.left / width,
        "Top": face.top / height,
    }
