"""Invented responses, deterministic by picture and model version."""

from __future__ import annotations

from typing import Final

from imagelib.simulator.responses import faces, labels, moderation, text
from imagelib.simulator.responses.pseudo_random import Json

VERSION_FIELDS: Final = {
    "DetectLabels": "LabelModelVersion",
    "DetectText": "TextModelVersion",
    "DetectModerationLabels": "ModerationModelVersion",
}


def respond(operation: str, digest: bytes, parameters: Json, *, version: str, suffix: str) -> Json:
    """Response of an operation; `version` and `suffix` are its model version."""
    if operation == "DetectLabels":
        response = labels.respond(digest, parameters, version=version)
    elif operation == "DetectFaces":
        response = faces.respond(digest, parameters)
    elif operation == "RecognizeCelebrities":
        response = faces.celebrities(digest)
    elif operation == "DetectText":
        response = text.respond(digest, parameters)
    else:
        response = moderation.respond(digest, parameters, version=version)
    if field := VERSION_FIELDS.get(operation):
        response[field] = version + suffix
    return response
