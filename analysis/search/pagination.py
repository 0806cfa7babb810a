"""Sort orders and cursors, which unlike offsets survive changes of the library."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

from analysis.models.expressions import DateTaken

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNDATED = datetime(1, 1, 1, tzinfo=UTC)
"""The sort key of images without a date taken, which come last in the order by date taken."""
PAGE_SIZE = 60
"""Pictures on a page of results."""
DEFAULT_SORT = "taken"
TAKEN_SORTS = {"taken", "taken-oldest"}
MAX_ID = 10**18 - 1
"""Larger than the ids of all images."""
Key = datetime | int | str

_PATTERN = re.compile(r"(?P<kind>[ns]?)(?P<key>[\w=-]{0,2000}?)-(?P<image>\d{1,18})", re.ASCII)


class Order(Enum):
    """The kinds of indexes that have images in a sort order."""

    TIME = "time"
    """By date taken, for which each label has an index, too."""
    COLUMN = "column"
    CONFIDENCE = "confidence"
    NONE = "none"
    """For counts."""


@dataclass(frozen=True)
class Ordering:
    """A sort key as SQL about `analysis_image i`; the id breaks ties."""

    key: str
    kind: type[Key]
    order: Order = Order.COLUMN
    is_ascending: bool = False
    date_field: str = ""
    """The field whose dates are a range of the index in this order; it has indexes by owner and of shared images."""
    is_rotated: bool = False
    """Images without a date come last, although their key is the smallest."""

    @property
    def reversed(self) -> Ordering:
        return replace(self, is_ascending=not self.is_ascending)

    def segments(self, after: Cursor | None) -> list[Segment]:
        """The consecutive ranges of the key after a cursor."""
        if not self.is_rotated:
            return [Segment(after)]
        # In the index, images without a date are at the other end.
        first = Segment(Cursor(UNDATED, MAX_ID), is_undated=not self.is_ascending)
        second = Segment(None, is_undated=self.is_ascending)
        if after and (after.key == UNDATED) == second.is_undated:
            return [replace(second, after=after)]
        return [replace(first, after=after or first.after), second]

    @property
    def direction(self) -> str:
        return "ASC" if self.is_ascending else "DESC"

    @property
    def beyond(self) -> str:
        """The comparison of later keys with a cursor's key."""
        return ">" if self.is_ascending else "<"

    @property
    def clause(self) -> str:
        """ORDER BY for rows of (image_id, key)."""
        return f"ORDER BY key {self.direction}, image_id {self.direction}"


_TAKEN = Ordering(DateTaken.template % {"expressions": "i.taken_at"}, datetime, Order.TIME, date_field="taken")
_ADDED = Ordering("i.added_at", datetime, date_field="added")
UNSORTED = replace(_TAKEN, order=Order.NONE)
"""For counts: rows may come in any order, and are read in this one."""
ORDERINGS = {
    "taken": _TAKEN,
    "taken-oldest": replace(_TAKEN, is_ascending=True, is_rotated=True),
    "newest": _ADDED,
    "oldest": _ADDED.reversed,
    "confidence": Ordering("", int, Order.CONFIDENCE),
    "name": Ordering("lower(i.filename)", str, is_ascending=True),
    "size": Ordering("i.size", int),
    "similarity": Ordering("", int, is_ascending=True),
}


@dataclass(frozen=True)
class Cursor:
    """The end of a page: the sort key and the id of its last image."""

    key: Key
    image_id: int

    def __str__(self) -> str:
        if isinstance(self.key, datetime):
            return f"{(self.key - EPOCH) // timedelta(microseconds=1)}-{self.image_id}"
        if isinstance(self.key, int):
            return f"n{self.key}-{self.image_id}"
        # base64, since names may contain any character.
        return f"s{base64.urlsafe_b64encode(self.key.encode()).decode()}-{self.image_id}"

    @classmethod
    def from_text(cls, text: str) -> Cursor | None:
        """The cursor in a link; None for other texts, which means the first page."""
        match = _PATTERN.fullmatch(text)
        if not match:
            return None
        try:
            return cls(_key(match["kind"], match["key"]), int(match["image"]))
        except (ValueError, OverflowError, binascii.Error):
            return None


@dataclass(frozen=True)
class Segment:
    """A range of an order after a cursor.

    `is_undated`: images without a date.
    """

    after: Cursor | None
    is_undated: bool | None = None

    def has(self, key: Key) -> bool:
        return self.is_undated is None or (key == UNDATED) == self.is_undated


def _key(kind: str, text: str) -> Key:
    if kind == "s":
        # PostgreSQL rejects NUL in a text parameter.
        return base64.urlsafe_b64decode(text).decode().replace("\x00", "")
    if not re.fullmatch(r"-?[0-9]{1,18}", text):  # moments before 1970 are negative
        raise ValueError(text)
    return int(text) if kind == "n" else EPOCH + timedelta(microseconds=int(text))
