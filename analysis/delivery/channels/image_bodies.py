"""Bodies of messages about pictures, in the forms that sinks offer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from analysis.delivery.base import Message
from analysis.delivery.size_limit import LISTS, Document, shorten

Form = Literal["full", "simple"]
SIMPLE_KINDS = frozenset({"label", "tag"})
"""Without emotions, colors and other kinds, which receivers of DetectLabels' labels do not expect."""
TEST_FILE_NAME = "imagelib-test.jpg"


@dataclass(frozen=True)
class Body:
    """The text of a message. `note`: what was left out. `error`: why there is no text."""

    text: str = ""
    note: str = ""
    error: str = ""


def body_of(message: Message, *, form: Form, limit: int) -> Body:
    """The message as JSON of at most `limit` bytes, shortened where needed."""
    if "image" not in message.payload:
        return Body(to_json(envelope(message) if form == "full" else _simple({"file_name": TEST_FILE_NAME}, {})))

    def text(image: Document, omitted: Mapping[str, int]) -> str:
        return to_json(_simple(image, omitted) if form == "simple" else _full(message, image, omitted))

    image = message.payload["image"]
    shortened = shorten(
        with_simple_labels(image) if form == "simple" else image,
        limit=limit,
        size=lambda image, omitted: len(text(image, omitted).encode()),
        lists=("labels",) if form == "simple" else LISTS,
    )
    if shortened is None:
        return Body(error=_("It is larger than %(bytes)d bytes.") % {"bytes": limit})
    return Body(text(shortened.document, shortened.omitted), note=shortened.note)


def envelope(message: Message) -> dict[str, Any]:
    """The document with the delivery's id and time: see docs/sinks.md."""
    return {"id": message.delivery_id, "created_at": message.created_at.isoformat(), **message.payload}


def with_simple_labels(image: Document) -> Document:
    """The document with only labels and tags, for the simple forms."""
    return {**image, "labels": [label for label in image["labels"] if label["kind"] in SIMPLE_KINDS]}


def rekognition_labels(image: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Labels in Rekognition's format, as in serverless tutorials."""
    return [{"Name": label["name"], "Confidence": label["confidence"]} for label in image.get("labels", [])]


def omissions(omitted: Mapping[str, int]) -> list[dict[str, Any]]:
    """Numbers of omitted entries, as part of a document."""
    return [{"field": name, "count": count} for name, count in omitted.items()]


def to_json(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    # JSON escapes control characters; SQS and SNS refuse these two as well.
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _full(message: Message, image: Document, omitted: Mapping[str, int]) -> dict[str, Any]:
    values = {**envelope(message), "image": image}
    return {**values, "omitted": omissions(omitted)} if omitted else values


def _simple(image: Document, omitted: Mapping[str, int]) -> dict[str, Any]:
    values: dict[str, Any] = {"file_name": image["file_name"], "labels": rekognition_labels(image)}
    if "labels" in omitted:
        values |= {"omitted": omissions({"labels": omitted["labels"]}), "url": image["url"]}
    return values
