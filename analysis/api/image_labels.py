"""Labels of images as API values, with verdicts and boxes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict

from ninja import Schema

from analysis.exports.image_rows import LabelBox, LabelRow, effective_labels


class BoundingBox(Schema):
    """Fractions of the upright picture's width and height, from its top left corner."""

    left: float
    top: float
    width: float
    height: float
    confidence: float


class LabelOut(Schema):
    """A label of a picture, from recognizers and people's verdicts combined."""

    id: int
    name: str
    kind: str
    category: str
    confidence: float
    instances: int
    verdict: str | None
    boxes: list[BoundingBox] = []


class BoxValues(TypedDict):
    """A BoundingBox as JSON values."""

    left: float
    top: float
    width: float
    height: float
    confidence: float


class LabelValues(TypedDict):
    """A LabelOut as JSON values."""

    id: int
    name: str
    kind: str
    category: str
    confidence: float
    instances: int
    verdict: str | None
    boxes: list[BoxValues]


def labels_of(image_ids: Collection[int], *, with_boxes: bool = False) -> dict[int, list[LabelValues]]:
    """The labels of each image, the highest confidence first."""
    rows = effective_labels(image_ids, has_boxes=with_boxes)
    return {image_id: [_label(row) for row in rows.get(image_id, [])] for image_id in image_ids}


# Plain values instead of LabelOut: a page of 100 images has 1,300 labels, and building a schema takes 50 µs each.
def _label(row: LabelRow) -> LabelValues:
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "category": row.category,
        "confidence": row.confidence,
        "instances": row.instances,
        "verdict": row.verdict,
        "boxes": [_box(instance) for instance in row.boxes],
    }


def _box(instance: LabelBox) -> BoxValues:
    box = instance.box
    return {
        "left": box.left,
        "top": box.top,
        "width": box.width,
        "height": box.height,
        "confidence": instance.confidence,
    }
