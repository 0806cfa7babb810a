"""JSON formats of exports: JSON Lines, JSON, names, DynamoDB JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from analysis.exports.image_rows import ImageRow, LabelRow
from analysis.formatting import taken_iso
from analysis.models import Image
from analysis.recognition.responses import Box

DYNAMODB_ITEM_BYTES = 400_000
"""Maximum size of an item in DynamoDB."""


def json_lines(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """One JSON object per picture, each on a line."""
    for row in rows:
        yield _json(image_values(row)) + b"\n"


def json_array(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """One JSON array of the same objects."""
    return _array(image_values(row) for row in rows)


def file_labels(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """One JSON array of file names with labels in Rekognition's spelling."""
    return _array(
        {"file_name": row.image.filename, "labels": [_rekognition_label(label) for label in row.labels]} for row in rows
    )


def dynamodb_lines(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """DynamoDB JSON, one item per line, for DynamoDB's import from S3.

    In an item above DynamoDB's size limit the least certain labels are left out; `labels_left_out` counts them.
    """
    for row in rows:
        labels, left_out = list(row.labels), 0
        # Nine tenths at a time, which takes few rounds, since labels vary little in size.
        while len(line := _json({"Item": _dynamodb_item(row.image, labels, left_out)})) > DYNAMODB_ITEM_BYTES:
            limit = len(labels) * 9 // 10
            labels, left_out = labels[:limit], left_out + len(labels) - limit
        yield line + b"\n"


def image_values(row: ImageRow) -> dict[str, Any]:
    """A picture as JSON values. Boxes are fractions of the upright picture."""
    image = row.image
    has_location = image.latitude is not None and image.longitude is not None
    return {
        "id": image.pk,
        "filename": image.filename,
        "title": image.title,
        "sha256": image.sha256,
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "size": image.size,
        "taken_at": taken_iso(image.taken_at, image.taken_offset),
        "taken_source": image.taken_source,
        "added_at": image.added_at.isoformat(),
        "location": [image.latitude, image.longitude] if has_location else None,
        "labels": [_label_values(label) for label in row.labels],
    }


def _label_values(label: LabelRow) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": label.name,
        "kind": label.kind,
        "confidence": label.confidence,
        "instances": label.instances,
        "verdict": label.verdict,
    }
    if label.boxes:
        values["boxes"] = [[*_corners(instance.box), instance.confidence] for instance in label.boxes]
    return values


def _corners(box: Box) -> list[float]:
    return [box.left, box.top, box.width, box.height]


def _rekognition_label(label: LabelRow) -> dict[str, Any]:
    return {"Name": label.name, "Confidence": label.confidence}


def _dynamodb_item(image: Image, labels: list[LabelRow], left_out: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "ImageID": {"S": str(image.pk)},
        "filename": {"S": image.filename},
        "labels": {
            "L": [{"M": {"Name": {"S": label.name}, "Confidence": {"N": str(label.confidence)}}} for label in labels]
        },
    }
    return {**item, "labels_left_out": {"N": str(left_out)}} if left_out else item


# Written value by value, since the whole array would have all pictures in memory.
def _array(values: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    start = b"["
    for value in values:
        yield start + b"\n" + _json(value)
        start = b","
    yield (b"[" if start == b"[" else b"\n") + b"]\n"


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
