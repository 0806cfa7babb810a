"""Placement of the tags at bounding boxes, so that they do not overlap.

They are placed for a picture about 1,000 px large; js/bounding_boxes.js places them again for the actual size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from analysis.web.image.box_geometry import Rect

TAG_HEIGHT, CHARACTER_WIDTH, TAG_PADDING = 20.0, 6.4, 10.0


def place_tags(boxes: Sequence[tuple[Rect, float]], frame: Rect) -> list[Rect]:
    """Place a tag at each (box, tag width).

    Tags stay within the frame and overlap earlier tags as little as possible.
    """
    placed: list[Rect] = []
    rows: defaultdict[int, list[Rect]] = defaultdict(list)
    for box, width in boxes:
        tag = _least_overlapping(_tag_positions(box, width, frame), rows)
        rows[_row(tag)].append(tag)
        placed.append(tag)
    return placed


def _row(tag: Rect) -> int:
    """The row of a tag; overlapping tags are in the same row or in adjacent ones."""
    return int(tag.y // TAG_HEIGHT)


def _least_overlapping(positions: Iterable[Rect], rows: Mapping[int, Sequence[Rect]]) -> Rect:
    """The first position with the least overlap with the tags in `rows`.

    Stops at one without overlap, which is usually found soon.
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
    """The area of a tag that others cover, summed until it reaches the limit."""
    row, right, total = _row(tag), tag.x + tag.width, 0.0
    for near in (row - 1, row, row + 1):
        for other in rows.get(near, ()):
            if other.x < right and tag.x < other.x + other.width:  # most are apart
                total += tag.overlap(other)
                if total >= limit:
                    return total
    return total


def tag_width(text: str) -> float:
    return len(text) * CHARACTER_WIDTH + TAG_PADDING


def _tag_positions(box: Rect, width: float, frame: Rect) -> Iterator[Rect]:
    """Positions in order of preference: above the box, inside, below, down its side."""
    right, bottom = box.x + box.width - width, box.y + box.height
    corners = [(box.x, box.y - TAG_HEIGHT), (box.x, box.y), (right, box.y - TAG_HEIGHT), (right, box.y)]
    corners += [(box.x, bottom - TAG_HEIGHT), (box.x, bottom)]
    # In a crowd all corners may be taken; further positions give a choice of the least overlap.
    corners += [(box.x, box.y + TAG_HEIGHT * step) for step in range(1, 12)]
    for x, y in corners:
        yield Rect(
            min(max(x, 0.0), max(frame.width - width, 0.0)),
            min(max(y, 0.0), max(frame.height - TAG_HEIGHT, 0.0)),
            width,
            TAG_HEIGHT,
        )
