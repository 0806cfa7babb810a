"""Labels of images as API values, with verdicts and boxes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ninja import Schema

from analysis.models import Analysis, ImageLabel, Verdict
from analysis.recognition import responses
from analysis.recognition.responses import Instance


class BoundingBox(Schema):
    """Fractions of the upright picture's width and height, from its top left corner."""

    left: float
    top: float
    width: float
    height: float
    confidence: float


class LabelOut(Schema):
    """A label on a picture, as recognizers and people's verdicts have it together."""

    id: int
    name: str
    kind: str
    category: str
    confidence: float
    instances: int
    verdict: str | None
    boxes: list[BoundingBox] = []


def labels_of(image_ids: Collection[int], *, with_boxes: bool = False) -> dict[int, list[LabelOut]]:
    """The labels of each image, the highest confidence first, in two or three queries."""
    decisions: dict[tuple[int, int], str] = {
        (image_id, label_id): decision
        for image_id, label_id, decision in Verdict.objects.filter(image_id__in=image_ids).values_list(
            "image_id", "label_id", "decision"
        )
    }
    # Boxes are in the responses, which are large: read only where they are asked for.
    boxes = _boxes(image_ids) if with_boxes else {}
    found: dict[int, list[LabelOut]] = {image_id: [] for image_id in image_ids}
    rows = ImageLabel.objects.filter(image_id__in=image_ids, label__is_hidden=False).select_related("label")
    for row in rows.order_by("-confidence", "label__name"):
        label = row.label
        found[row.image_id].append(
            LabelOut(
                id=label.pk,
                name=label.name,
                kind=label.kind,
                category=label.category,
                confidence=row.percent,
                instances=row.instance_count,
                verdict=decisions.get((row.image_id, label.pk)),
                boxes=boxes.get(row.image_id, {}).get(label.name.lower(), []),
            )
        )
    return found


def _boxes(image_ids: Collection[int]) -> Mapping[int, Mapping[str, list[BoundingBox]]]:
    """Boxes by picture and label name in lower case, from the current analyses."""
    analyses = Analysis.objects.current().filter(image_id__in=image_ids, api=Analysis.Api.LABELS)
    return {
        image_id: {
            label.name.lower(): [_box(instance) for instance in label.instances]
            for label in responses.labels_in(answer)
            if label.instances
        }
        for image_id, answer in analyses.values_list("image_id", "answer")
    }


def _box(instance: Instance) -> BoundingBox:
    box = instance.box.clamped()  # Rekognition's boxes may exceed the picture
    return BoundingBox(left=box.left, top=box.top, width=box.width, height=box.height, confidence=instance.confidence)
