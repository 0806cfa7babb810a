"""Rectangles in a picture: overlaps and quarter turns."""

from __future__ import annotations

from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle: its top left corner and its sides."""

    # Not a dataclass, which takes three times as long to create: a picture with a hundred boxes needs thousands.
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


def turned(rect: Rect, frame: Rect, turns: int) -> Rect:
    """Rotate a box from the file's frame into that of the rotated picture."""
    for _ in range(turns % 4):
        rect = Rect(frame.height - rect.y - rect.height, rect.x, rect.height, rect.width)
        frame = Rect(0, 0, frame.height, frame.width)
    return rect
