"""Bounding boxes over a picture, with tags placed so that they do not overlap.

Lengths are in SVG units; the longer side of the picture is 1,000. Tags are placed for a picture about 1,000 px large;
js/bounding_boxes.js places them again for the actual size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString

from analysis import formatting
from analysis.ingest.render import payload_extent
from analysis.models import Image
from analysis.recognition.responses import Box, DetectedFace, DetectedText, LabelResult

LONG_SIDE = 1_000
COLORS = 8
TAG_HEIGHT, CHARACTER_WIDTH, TAG_PADDING = 20.0, 6.4, 10.0
MAX_TAG_LENGTH = 32
FACE_LABEL = "Face"
"""Rekognition's name of the label; label names are not translated."""
MAX_ENLARGEMENT, PREVIEW_SIDE = 1.5, 1_600
"""Small pictures are enlarged by up to half, none beyond the size of its preview."""
SAME_FACE_IOU = 0.7
"""From this intersection over union on, a face and a label's instance share one box."""


_BOX = (
    '<rect class="box box-color-{color}" data-highlight="{keys}" data-confidence="{confidence}"'
    ' x="{x}" y="{y}" width="{width}" height="{height}" rx="3" />'
)
_TAG = (
    '<g class="box-tag box-color-{color}" data-highlight="{keys}" data-confidence="{confidence}"'
    ' transform="translate({tag_x} {tag_y})"><g class="box-tag-scale">'
    '<rect width="{tag_width}" height="20" rx="4" /><text x="5" y="14.5">{tag}</text></g></g>'
)


class Rect(NamedTuple):
    """A rectangle by its corner and sides."""

    # No dataclass, which takes three times as long to create: a picture with a hundred boxes needs some thousands.
    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return self.width * self.height

    def overlap(self, other: Rect) -> float:
        """The area of the intersection."""
        if self.x >= other.x + other.width or other.x >= self.x + self.width:
            return 0.0
        if self.y >= other.y + other.height or other.y >= self.y + self.height:
            return 0.0
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return across * down

    def iou(self, other: Rect) -> float:
        """Intersection over union, 0 to 1."""
        intersection = self.overlap(other)
        union = self.area + other.area - intersection
        return intersection / union if union else 0.0

    def contains(self, other: Rect) -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )


@dataclass(frozen=True)
class BoxCandidate:
    """A detected object, face or line of text; `keys` are those of its rows."""

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
        # Not by a template: for a hundred boxes that takes a quarter of the page's time. And format_html would escape
        # two thousand values, of which a hundred are not numbers or keys of our own.
        boxes = [_BOX.format_map(vars(box)) for box in self.boxes]
        boxes += [_TAG.format_map({**vars(box), "tag": escape(box.tag)}) for box in self.boxes if box.tag]
        return SafeString("\n".join(boxes))  # nosec B703 # others are numbers and keys


def drawing(
    image: Image,
    *,
    labels: Sequence[LabelResult],
    faces: Sequence[DetectedFace],
    texts: Sequence[DetectedText],
    rejected: Collection[str] = (),
) -> Drawing:
    """All boxes, the largest first, so that small ones are on top and can be hovered.

    `rejected`: names of rejected labels, in lower case; they get no box.
    """
    shown_width, shown_height = image.shown_size
    long_side = max(shown_width, shown_height)
    scale = LONG_SIDE / long_side
    frame = Rect(0, 0, shown_width * scale, shown_height * scale)
    # Boxes are relative to the image that was sent, which is padded if the picture is smaller than the API's minimum.
    across, down = payload_extent(image.width, image.height, long_side=settings.RECOGNITION_LONG_SIDE)
    # They are those of the file, whatever way the picture was turned since.
    payload = Rect(0, 0, image.width * scale / across, image.height * scale / down)
    unturned = Rect(0, 0, image.width * scale, image.height * scale)
    candidates = [*_label_boxes(labels, payload, rejected), *_face_boxes(faces, payload), *_text_boxes(texts, payload)]
    # SVG has no z-index: what comes later in the document is on top.
    candidates = [replace(box, rect=_turned(box.rect, unturned, image.quarter_turns)) for box in candidates]
    boxes = sorted(_merge_faces(candidates), key=lambda box: -box.rect.area)
    tags = place_tags([(box.rect, 0 if box.is_text else tag_width(_tag(box))) for box in boxes], frame)
    return Drawing(
        view_box=f"0 0 {frame.width:.1f} {frame.height:.1f}",
        width=f"{frame.width:.1f}",
        height=f"{frame.height:.1f}",
        display_width=str(round(shown_width * min(long_side * MAX_ENLARGEMENT, PREVIEW_SIDE) / long_side)),
        boxes=[_draw(box, tag) for box, tag in zip(boxes, tags, strict=True)],
    )


def place_tags(boxes: Sequence[tuple[Rect, float]], frame: Rect) -> list[Rect]:
    """Place a tag at each box, given as (box, tag width).

    Within the frame, and overlapping earlier tags as little as possible.
    """
    placed: list[Rect] = []
    rows: defaultdict[int, list[Rect]] = defaultdict(list)
    for box, width in boxes:
        tag = _least_overlapping(_tag_positions(box, width, frame), rows)
        rows[_row(tag)].append(tag)
        placed.append(tag)
    return placed


def _row(tag: Rect) -> int:
    """Tags that overlap are in the same row of this height, or in two that touch."""
    return int(tag.y // TAG_HEIGHT)


def _least_overlapping(positions: Iterable[Rect], rows: Mapping[int, Sequence[Rect]]) -> Rect:
    """The first position with the least overlap with the tags in `rows`.

    Stops at one without any: that is most of the time.
    """
    best, smallest = Rect(0, 0, 0, 0), float("inf")
    for position in positions:
        total = _overlap(position, rows, limit=smallest)
        if total < smallest:
            best, smallest = position, total
        if not total:
            break
    return best


def _overlap(tag: Rect, rows: Mapping[int, Sequence[Rect]], *, limit: float) -> float:
    """The area of a tag that others cover, added up as far as the limit."""
    row, right, total = _row(tag), tag.x + tag.width, 0.0
    for near in (row - 1, row, row + 1):
        for other in rows.get(near, ()):
            if other.x < right and tag.x < other.x + other.width:  # else apart, as most are
                total += tag.overlap(other)
                if total >= limit:
                    return total
    return total


def tag_width(text: str) -> float:
    return len(text) * CHARACTER_WIDTH + TAG_PADDING


def _tag_positions(box: Rect, width: float, frame: Rect) -> Iterator[Rect]:
    """Positions by preference: above the box, inside it, below, down its side."""
    right, bottom = box.x + box.width - width, box.y + box.height
    corners = [(box.x, box.y - TAG_HEIGHT), (box.x, box.y), (right, box.y - TAG_HEIGHT), (right, box.y)]
    corners += [(box.x, bottom - TAG_HEIGHT), (box.x, bottom)]
    # In a crowd all corners may be taken; the least overlap of these is chosen.
    corners += [(box.x, box.y + TAG_HEIGHT * step) for step in range(1, 12)]
    for x, y in corners:
        yield Rect(
            min(max(x, 0.0), max(frame.width - width, 0.0)),
            min(max(y, 0.0), max(frame.height - TAG_HEIGHT, 0.0)),
            width,
            TAG_HEIGHT,
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
        if text.box:  # without a tag: the words can be read in the picture
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


def _turned(rect: Rect, frame: Rect, turns: int) -> Rect:
    """A box of the file's frame in the frame of the turned picture."""
    for _ in range(turns % 4):
        rect = Rect(frame.height - rect.y - rect.height, rect.x, rect.height, rect.width)
        frame = Rect(0, 0, frame.height, frame.width)
    return rect


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
