"""Compares a response with the output shape in botocore's service model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session

OPERATIONS = {
    "labels": "DetectLabels",
    "faces": "DetectFaces",
    "celebrities": "RecognizeCelebrities",
    "text": "DetectText",
    "moderation": "DetectModerationLabels",
}
LOCAL_FIELD = re.compile(r"DetectLabels\.Labels\[\d+\]\.DetectedBy is unknown")
TYPES = {"string": str, "integer": int, "float": float, "double": float, "boolean": bool, "long": int}

MODEL = botocore.session.get_session().get_service_model("rekognition")


def complaints(answer: Any, operation: str) -> list[str]:
    """Paths of unknown keys and of values of another type or range."""
    return list(_complaints(answer, MODEL.operation_model(operation).output_shape, operation))


def complaints_about_local(answer: Any, operation: str) -> list[str]:
    """The same of the local recognizer, which adds a field: each label's models."""
    return [text for text in complaints(answer, operation) if not LOCAL_FIELD.fullmatch(text)]


def _complaints(value: Any, shape: Any, where: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _of_structure(value, shape, where)
    elif shape.type_name == "list":
        if not isinstance(value, list):
            yield f"{where} is no list: {value!r}"
            return
        for number, item in enumerate(value):
            yield from _complaints(item, shape.member, f"{where}[{number}]")
    else:
        yield from _of_scalar(value, shape, where)


def _of_structure(value: Any, shape: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object: {value!r}"
        return
    yield from (f"{where}.{key} is unknown" for key in value.keys() - shape.members.keys())
    yield from (f"{where}.{key} is missing" for key in set(shape.required_members) - value.keys())
    for key in value.keys() & shape.members.keys():
        yield from _complaints(value[key], shape.members[key], f"{where}.{key}")


def _of_scalar(value: Any, shape: Any, where: str) -> Iterator[str]:
    expected = TYPES[shape.type_name]
    is_whole_float = expected is float and type(value) is int
    if type(value) is not expected and not is_whole_float:
        yield f"{where} is no {shape.type_name}: {value!r}"
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{where} is none of {shape.enum}: {value!r}"
    elif expected in {int, float}:
        low, high = shape.metadata.get("min", value), shape.metadata.get("max", value)
        if not low <= value <= high:
            yield f"{where} is not within {low} and {high}: {value!r}"
