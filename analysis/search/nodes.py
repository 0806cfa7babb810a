"""The nodes of a search's syntax tree; `str` is a node in the search language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from analysis.search.literals import (
    always_quoted,
    byte_range_literal,
    date_range_literal,
    number_literal,
    quoted,
    range_literal,
)


@dataclass(frozen=True)
class LabelTerm:
    """Images with a label of this name or alias.

    `kind` limits it to one kind of label and includes hidden labels; `minimum` is the confidence in percent;
    `is_prefix` accepts every name or alias that begins with `name`.
    """

    KINDS: ClassVar = ("label", "tag", "celebrity", "emotion", "face", "color", "moderation")
    name: str
    kind: str = ""
    minimum: float = 0.0
    is_prefix: bool = False

    def __str__(self) -> str:
        # `size>=90` would compare the field.
        is_field = self.minimum > 0 and not self.is_prefix and not self.kind and self.name.lower() in COMPARABLE_FIELDS
        name = always_quoted(self.name) if is_field else quoted(self.name)
        kind = f"{self.kind}:" if self.kind else ""
        minimum = f">={number_literal(self.minimum)}" if self.minimum else ""
        return f"{kind}{name}{'*' if self.is_prefix else ''}{minimum}"


@dataclass(frozen=True)
class CategoryTerm:
    """Images with a label of this Rekognition category: "Animals and Pets"."""

    name: str

    def __str__(self) -> str:
        return f"category:{quoted(self.name)}"


@dataclass(frozen=True)
class CountTerm:
    """Images with this number of instances of a label; None is no upper bound."""

    name: str
    minimum: int
    maximum: int | None = None

    def __str__(self) -> str:
        if self.minimum == 0 and self.maximum is not None:
            return f"count({quoted(self.name)})<={self.maximum}"
        return f"count({quoted(self.name)}){range_literal(self.minimum, self.maximum, str, equals='=')}"


@dataclass(frozen=True)
class FaceTerm:
    """Images with one face of this age in years that has all of these traits.

    Traits include emotions. Rekognition estimates a range of ages: a face from 18 to 24 matches 20..30.
    """

    traits: tuple[str, ...] = ()
    age_low: int | None = None
    age_high: int | None = None

    def __str__(self) -> str:
        # An age alone is written as a field.
        has_age = (self.age_low, self.age_high) != (None, None)
        age = f"age{range_literal(self.age_low, self.age_high, str)}" if has_age else ""
        if not self.traits:
            return age
        return f"face({' '.join([*map(quoted, self.traits), *([age] if age else [])])})"


@dataclass(frozen=True)
class TextTerm:
    """Images in which these words were detected next to one another."""

    text: str

    def __str__(self) -> str:
        return f"text:{quoted(self.text)}"


@dataclass(frozen=True)
class FieldTerm:
    """Images whose field contains this text; `format` and `owner` must equal it.

    Case is ignored. `name` is the title or the file name; `camera` is the make, the model or the lens.
    """

    FIELDS: ClassVar = ("name", "owner", "bucket", "format", "camera")
    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}:{quoted(self.text)}"


@dataclass(frozen=True)
class RangeTerm:
    """Images with a number within bounds, both included; None is an open end.

    `size` is bytes, `width` and `height` pixels, `rating` the viewer's own from 1 to 5. The others are the
    recognizer's, from 0 to 100; `quality` is another name of `sharpness`.
    """

    FIELDS: ClassVar = ("size", "width", "height", "rating", "quality", "brightness", "sharpness", "contrast")
    field: str
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.field == "size":
            return f"size{byte_range_literal(self.low, self.high)}"
        return f"{self.field}{range_literal(self.low, self.high, number_literal)}"


@dataclass(frozen=True)
class DateTerm:
    """Images taken or added on these days in UTC, both included.

    Images without a date taken count as taken when they were added.
    """

    FIELDS: ClassVar = ("taken", "added")
    field: str
    first: date | None = None
    last: date | None = None

    def __str__(self) -> str:
        return f"{self.field}{date_range_literal(self.first, self.last)}"


@dataclass(frozen=True)
class RelativeDateTerm:
    """Images taken or added in the last days, weeks, months or years.

    It stays relative in a saved search. The unit may also be "today" or "yesterday" in UTC, with the number 1.
    """

    NAMED_DAYS: ClassVar = ("today", "yesterday")
    field: str
    number: int
    unit: str

    def __str__(self) -> str:
        if self.unit in self.NAMED_DAYS:
            return f"{self.field}:{self.unit}"
        return f"{self.field}:last-{self.number}-{self.unit}{'s' if self.number > 1 else ''}"


COMPARABLE_FIELDS = (*RangeTerm.FIELDS, *DateTerm.FIELDS, "age")
"""Fields that may directly precede a comparison: `width>=4000`."""


@dataclass(frozen=True)
class OrientationTerm:
    """Images of this shape once they are upright."""

    SHAPES: ClassVar = ("landscape", "portrait", "square")
    shape: str

    def __str__(self) -> str:
        return f"orientation:{self.shape}"


@dataclass(frozen=True)
class StateTerm:
    STATES: ClassVar = (
        *("favorite", "untagged", "failed", "pending", "reviewed"),
        *("private", "shared", "public", "trashed", "duplicate"),
    )
    state: str

    def __str__(self) -> str:
        return f"is:{self.state}"


@dataclass(frozen=True)
class HasTerm:
    FEATURES: ClassVar = ("faces", "text", "location", "labels")
    feature: str

    def __str__(self) -> str:
        return f"has:{self.feature}"


@dataclass(frozen=True)
class SourceTerm:
    """Images analyzed by this recognizer.

    "person" is a confirmed or added label, "file" a keyword of the file.
    """

    SOURCES: ClassVar = ("rekognition", "local", "simulator", "person", "file")
    source: str

    def __str__(self) -> str:
        return f"by:{self.source}"


@dataclass(frozen=True)
class ModelTerm:
    """Images with a current analysis by this model version."""

    version: str

    def __str__(self) -> str:
        return f"model:{quoted(self.version)}"


@dataclass(frozen=True)
class SimilarTerm:
    """Images whose perceptual hash differs in at most 7 of its 64 bits."""

    image_id: int

    def __str__(self) -> str:
        return f"like:{self.image_id}"


@dataclass(frozen=True)
class Not:
    part: Node

    def __str__(self) -> str:
        return f"-{_grouped(self.part, And, Or)}"


@dataclass(frozen=True)
class And:
    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(_grouped(part, Or) for part in self.parts)


@dataclass(frozen=True)
class Or:
    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(_grouped(part, And) for part in self.parts)


Leaf = (
    LabelTerm
    | CategoryTerm
    | CountTerm
    | FaceTerm
    | TextTerm
    | FieldTerm
    | RangeTerm
    | DateTerm
    | RelativeDateTerm
    | OrientationTerm
    | StateTerm
    | HasTerm
    | SourceTerm
    | ModelTerm
    | SimilarTerm
)
Node = Leaf | Not | And | Or


def _grouped(part: Node, *kinds: type[And | Or]) -> str:
    return f"({part})" if isinstance(part, kinds) else str(part)
