"""Bounding boxes over a picture, with their tags.

Lengths are in SVG units; the longer side of the picture is 1,000.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString

from analysis import formatting
from analysis.ingest.thumbnails import payload_extent
from analysis.models import Image
from analysis.recognition.responses import Box, DetectedFace, DetectedText, LabelResult
from analysis.web.image.box_geometry import Rect, turned
from analysis.web.image.box_tags import place_tags, tag_width

LONG_SIDE = 1_000
COLORS = 8
MAX_TAG_LENGTH = 32
FACE_LABEL = "Face"
"""Rekognition's name of the label; label names are not translated."""
MAX_ENLARGEMENT, PREVIEW_SIDE = 1.5, 1_600
"""Small pictures are enlarged by at most half, and not beyond the size of a preview."""
SAME_FACE_IOU = 0.7
"""At this intersection over union, a face and a label's instance share one box."""


_BOX = (
    '<rect class="box box-color-{color}" data-highlight="{keys}" data-confidence="{confidence}"'
    ' x="{x}" y="{y}" width="{width}" height="{height}" rx="3" />'
)
_TAG = (
    '<g class="box-tag box-color-{color}" data-highlight="{keys}" data-confidence="{confidence}"'
    ' transform="translate({tag_x} {tag_y})"><g class="box-tag-scale">'
    '<rect width="{tag_width}" height="20" rx="4" /><text x="5" y="14.5">{tag}</text></g></g>'
)


@dataclass(frozen=True)
class BoxCandidate:
    """A detected object, face or line of text; `keys` link it to rows in the panel."""

    keys: tuple[str, ...]
    rect: Rect
    name: str
    confidence: float
    color: int
    is_text: bool = False


@dataclass(frozen=True)
class DrawnBox:
    """A box with its tag, formatted for the template."""

    keys: str
    confidence: str
    color: str
    x: str
    y: str
    width: str
    height: str
    tag: str
    tag_x: str
    tag_y: str
    tag_width: str


@dataclass(frozen=True)
class Drawing:
    view_box: str
    width: str
    height: str
    display_width: str  # px, if the window is large enough
    boxes: list[DrawnBox]

    @property
    def svg(self) -> SafeString:
        """The boxes, then their tags."""
        # Not a template, which takes a quarter of the page's time for a hundred boxes. And format_html would escape two
        # thousand values, of which only a hundred are not numbers or our own keys.
        boxes = [_BOX.format_map(vars(box)) for box in self.boxes]
        boxes += [_TAG.format_map({**vars(box), "tag": escape(box.tag)}) for box in self.boxes if box.tag]
        return SafeString("\n".join(boxes))  # nosec B703 # the rest are numbers and our own keys


def drawing(
    image: Image,
    *,
    labels: Sequence[LabelResult],
    faces: Sequence[DetectedFace],
    texts: Sequence[DetectedText],
    rejected: Collection[str] = (),
) -> Drawing:
    """All boxes, largest first, so that small ones are on top and can be hovered.

    `rejected`: names of rejected labels, in lower case; they get no box.
    """
    shown_width, shown_height = image.shown_size
    long_side = max(shown_width, shown_height)
    scale = LONG_SIDE / long_side
    frame = Rect(0, 0, shown_width * scale, shown_height * scale)
    # Boxes are relative to the image that was sent, which is padded if the picture is smaller than the API's minimum.
    across, down = payload_extent(image.width, image.height, long_side=settings.RECOGNITION_LONG_SIDE)
    # They are in the file's orientation, even if the picture was rotated since.
    payload = Rect(0, 0, image.width * scale / across, image.height * scale / down)
    unturned = Rect(0, 0, image.width * scale, image.height * scale)
    candidates = [*_label_boxes(labels, payload, rejected), *_face_boxes(faces, payload), *_text_boxes(texts, payload)]
    candidates = [replace(box, rect=turned(box.rect, unturned, image.quarter_turns)) for box in candidates]
    # SVG has no z-index: elements later in the document are on top.
    boxes = sorted(_merge_faces(candidates), key=lambda box: -box.rect.area)
    tags = place_tags([(box.rect, 0 if box.is_text else tag_width(_tag(box))) for box in boxes], frame)
    return Drawing(
        view_box=f"0 0 {frame.width:.1f} {frame.height:.1f}",
        width=f"{frame.width:.1f}",
        height=f"{frame.height:.1f}",
        display_width=str(round(shown_width * min(long_side * MAX_ENLARGEMENT, PREVIEW_SIDE) / long_side)),
        boxes=[_draw(box, tag) for box, tag in zip(boxes, tags, strict=True)],
    )


def _label_boxes(labels: Sequence[LabelResult], payload: Rect, rejected: Collection[str]) -> Iterator[BoxCandidate]:
    located = [(number, label) for number, label in enumerate(labels) if label.instances]
    for color, (number, label) in enumerate(located):
        for instance in label.instances if label.name.lower() not in rejected else ():
            yield BoxCandidate(
                (f"label-{number}",), _rect(instance.box, payload), label.name, instance.confidence, color % COLORS
            )


def _face_boxes(faces: Sequence[DetectedFace], payload: Rect) -> Iterator[BoxCandidate]:
    for number, face in enumerate(faces):
        yield BoxCandidate((f"face-{number}",), _rect(face.box, payload), FACE_LABEL, face.confidence, COLORS - 1)


def _text_boxes(texts: Sequence[DetectedText], payload: Rect) -> Iterator[BoxCandidate]:
    for number, text in enumerate(texts):
        if text.box:  # no tag, since the words can be read in the picture
            yield BoxCandidate((f"text-{number}",), _rect(text.box, payload), "", text.confidence, 0, is_text=True)


def _rect(box: Box, payload: Rect) -> Rect:
    # Rekognition's boxes may reach beyond the picture, with a negative left or a width over 1 (Rekognition,
    # "BoundingBox").
    inside = box.clamped()
    return Rect(
        inside.left * payload.width,
        inside.top * payload.height,
        inside.width * payload.width,
        inside.height * payload.height,
    )


def _merge_faces(candidates: Iterable[BoxCandidate]) -> list[BoxCandidate]:
    """Give a face that is also an instance of the label “Face” a single box."""
    boxes: list[BoxCandidate] = []
    for candidate in candidates:
        same = next(
            (box for box in boxes if box.name == candidate.name and box.rect.iou(candidate.rect) >= SAME_FACE_IOU), None
        )
        if same is None or candidate.is_text:
            boxes.append(candidate)
        else:
            boxes[boxes.index(same)] = replace(same, keys=(*same.keys, *candidate.keys))
    return boxes


def _draw(box: BoxCandidate, tag: Rect) -> DrawnBox:
    rect = box.rect
    return DrawnBox(
        keys=" ".join(box.keys),
        confidence=f"{box.confidence:.2f}",
        color="text" if box.is_text else str(box.color),
        x=f"{rect.x:.1f}",
        y=f"{rect.y:.1f}",
        width=f"{rect.width:.1f}",
        height=f"{rect.height:.1f}",
        tag="" if box.is_text else _tag(box),
        tag_x=f"{tag.x:.1f}",
        tag_y=f"{tag.y:.1f}",
        tag_width=f"{tag.width:.1f}",
    )


def _tag(box: BoxCandidate) -> str:
    name = box.name if len(box.name) <= MAX_TAG_LENGTH else f"{box.name[: MAX_TAG_LENGTH - 1]}…"
    return f"{name} {formatting.percent(box.confidence)}"
