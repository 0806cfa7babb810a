"""Boxes over a picture: where they are drawn, and where their tags stand without covering each other.

All lengths are in the drawing's own units: its longer side is 1,000 of them. Tags are placed for a drawing about 1,000
px large; js/bounding_boxes.js places them again for the size that the browser has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from analysis import formatting
from analysis.ingest.render import payload_extent
from analysis.models import Image
from analysis.recognition.responses import Box, DetectedFace, DetectedText, LabelResult

SIDE = 1_000
TONES = 8
TAG_HEIGHT, LETTER, PADDING = 20.0, 6.4, 10.0
LONGEST_TAG = 32
ENLARGED, LARGEST = 1.5, 1_600
"""A small picture is shown half as large again; none larger than its preview."""
SAME = 0.7
"""From this overlap on, a face's box and that of a label are one and the same."""


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return self.width * self.height

    def overlap(self, other: Rect) -> float:
        """The area shared with another rectangle."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(across, 0.0) * max(down, 0.0)

    def likeness(self, other: Rect) -> float:
        """Shared area over joint area, 0 to 1."""
        shared = self.overlap(other)
        joint = self.area + other.area - shared
        return shared / joint if joint else 0.0

    def holds(self, other: Rect) -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )


@dataclass(frozen=True)
class BoxCandidate:
    """Something with a place in the picture. `keys` name the rows of the panel that speak of it."""

    keys: tuple[str, ...]
    rect: Rect
    name: str
    confidence: float
    tone: int
    is_text: bool = False


@dataclass(frozen=True)
class BoxMark:
    """One box as the template writes it: strings only."""

    keys: str
    confidence: str
    tone: str
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
    shown_width: str  # px, where the stage is large enough
    marks: list[BoxMark]


def drawing(
    image: Image,
    *,
    labels: Sequence[LabelResult],
    faces: Sequence[DetectedFace],
    texts: Sequence[DetectedText],
    wrong: Collection[str] = (),
) -> Drawing:
    """What the recognizer found in places. Big boxes first, so that small ones lie on top and can be pointed at.

    `wrong`: names of labels, in lower case, that a person rejected.
    """
    longest = max(image.width, image.height)
    scale = SIDE / longest
    frame = Rect(0, 0, image.width * scale, image.height * scale)
    # What the recognizer saw, which is the picture unless that was filled up to the smallest side it takes.
    across, down = payload_extent(image.width, image.height, long_side=settings.RECOGNITION_LONG_SIDE)
    seen = Rect(0, 0, frame.width / across, frame.height / down)
    found = _merged([*_of_labels(labels, seen, wrong), *_of_faces(faces, seen), *_of_texts(texts, seen)])
    found.sort(key=lambda each: -each.rect.area)
    places = place_tags([(each.rect, 0 if each.is_text else tag_width(_tag(each))) for each in found], frame)
    return Drawing(
        view_box=f"0 0 {frame.width:.1f} {frame.height:.1f}",
        width=f"{frame.width:.1f}",
        height=f"{frame.height:.1f}",
        shown_width=str(round(image.width * min(longest * ENLARGED, LARGEST) / longest)),
        marks=[_mark(each, place) for each, place in zip(found, places, strict=True)],
    )


def place_tags(boxes: Sequence[tuple[Rect, float]], frame: Rect) -> list[Rect]:
    """A place for each box's tag of the given width: at its box, within the frame, clear of the tags placed before."""
    placed: list[Rect] = []
    for box, width in boxes:
        candidates = list(_candidates(box, width, frame))
        placed.append(min(candidates, key=lambda rect: sum(rect.overlap(other) for other in placed)))
    return placed


def tag_width(text: str) -> float:
    return len(text) * LETTER + PADDING


def _candidates(box: Rect, width: float, frame: Rect) -> Iterator[Rect]:
    """Above, inside at the top, at the right, below, then down along the box: `min` takes the first of the best."""
    right, bottom = box.x + box.width - width, box.y + box.height
    corners = [(box.x, box.y - TAG_HEIGHT), (box.x, box.y), (right, box.y - TAG_HEIGHT), (right, box.y)]
    corners += [(box.x, bottom - TAG_HEIGHT), (box.x, bottom)]
    corners += [(box.x, box.y + TAG_HEIGHT * step) for step in range(1, 12)]
    for x, y in corners:
        yield Rect(
            min(max(x, 0.0), max(frame.width - width, 0.0)),
            min(max(y, 0.0), max(frame.height - TAG_HEIGHT, 0.0)),
            width,
            TAG_HEIGHT,
        )


def _of_labels(labels: Sequence[LabelResult], seen: Rect, wrong: Collection[str]) -> Iterator[BoxCandidate]:
    with_places = [(number, label) for number, label in enumerate(labels) if label.instances]
    for tone, (number, label) in enumerate(with_places):
        for instance in label.instances if label.name.lower() not in wrong else ():
            yield BoxCandidate(
                (f"label-{number}",), _rect(instance.box, seen), label.name, instance.confidence, tone % TONES
            )


def _of_faces(faces: Sequence[DetectedFace], seen: Rect) -> Iterator[BoxCandidate]:
    for number, face in enumerate(faces):
        yield BoxCandidate((f"face-{number}",), _rect(face.box, seen), "Face", face.confidence, TONES - 1)


def _of_texts(texts: Sequence[DetectedText], seen: Rect) -> Iterator[BoxCandidate]:
    for number, text in enumerate(texts):
        if text.box:
            yield BoxCandidate((f"text-{number}",), _rect(text.box, seen), "", text.confidence, 0, is_text=True)


def _rect(box: Box, seen: Rect) -> Rect:
    inside = box.clamped()
    return Rect(
        inside.left * seen.width, inside.top * seen.height, inside.width * seen.width, inside.height * seen.height
    )


def _merged(found: Iterable[BoxCandidate]) -> list[BoxCandidate]:
    """A face that a label's box already shows lights up with that box instead of having a second one over it."""
    kept: list[BoxCandidate] = []
    for each in found:
        twin = next((k for k in kept if k.name == each.name and k.rect.likeness(each.rect) >= SAME), None)
        if twin is None or each.is_text:
            kept.append(each)
        else:
            kept[kept.index(twin)] = replace(twin, keys=(*twin.keys, *each.keys))
    return kept


def _mark(found: BoxCandidate, tag: Rect) -> BoxMark:
    rect = found.rect
    return BoxMark(
        keys=" ".join(found.keys),
        confidence=f"{found.confidence:.2f}",
        tone="text" if found.is_text else str(found.tone),
        x=f"{rect.x:.1f}",
        y=f"{rect.y:.1f}",
        width=f"{rect.width:.1f}",
        height=f"{rect.height:.1f}",
        tag="" if found.is_text else _tag(found),
        tag_x=f"{tag.x:.1f}",
        tag_y=f"{tag.y:.1f}",
        tag_width=f"{tag.width:.1f}",
    )


def _tag(found: BoxCandidate) -> str:
    name = found.name if len(found.name) <= LONGEST_TAG else f"{found.name[: LONGEST_TAG - 1]}…"
    return f"{name} {formatting.percent(found.confidence)}"
