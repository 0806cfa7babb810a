"""What the simulator answers: invented, deterministic by picture and model version, in the shapes of AWS's model."""

from __future__ import annotations

from typing import Final

from imagelib.simulator.responses import faces, labels, moderation, text
from imagelib.simulator.responses.pseudo_random import Json

VERSION_FIELDS: Final = {
    "DetectLabels": "LabelModelVersion",
    "DetectText": "TextModelVersion",
    "DetectModerationLabels": "ModerationModelVersion",
}


def answer(operation: str, digest: bytes, parameters: Json, *, version: str, suffix: str) -> Json:
    """`version` decides what is seen, with `suffix` it is what the answer calls its model."""
    if operation == "DetectLabels":
        said = labels.answer(digest, parameters, version=version)
    elif operation == "DetectFaces":
        said = faces.answer(digest, parameters)
    elif operation == "RecognizeCelebrities":
        said = faces.celebrities(digest)
    elif operation == "DetectText":
        said = text.answer(digest, parameters)
    else:
        said = moderation.answer(digest, parameters, version=version)
    if field := VERSION_FIELDS.get(operation):
        said[field] = version + suffix
    return said
