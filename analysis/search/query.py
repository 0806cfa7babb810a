"""A search as a value: what its words mean, apart from how they are written and how they are found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar


@dataclass(frozen=True)
class LabelTerm:
    """Carries a label of this name or alias: of one kind where `kind` says so (then hidden ones too), else of any.

    `least` is percent. `is_prefix`: any label whose name or alias begins so.
    """

    name: str
    kind: str = ""
    minimum: float = 0.0
    is_prefix: bool = False


@dataclass(frozen=True)
class CategoryTerm:
    """Carries a label of this category (Rekognition's own: "Animals and Pets")."""

    name: str


@dataclass(frozen=True)
class CountTerm:
    """Shows so many instances of a label, both bounds included; no `most` means no upper bound."""

    name: str
    minimum: int
    maximum: int | None = None


@dataclass(frozen=True)
class FaceTerm:
    """One face has all of these: traits and emotions above the threshold, a gender, an age within these years.

    Ages overlap: somebody between 18 and 24 is within 20..30.
    """

    traits: tuple[str, ...] = ()
    age_low: int | None = None
    age_high: int | None = None


@dataclass(frozen=True)
class TextTerm:
    """These words stand in the picture, next to one another."""

    text: str


@dataclass(frozen=True)
class FieldTerm:
    """A field of the picture contains this text, case-insensitively; format and owner equal it.

    `field` is "name" (title or filename), "camera" (make, model or lens), "format", "owner" or "bucket".
    """

    field: str
    text: str


@dataclass(frozen=True)
class RangeTerm:
    """A number of the picture within bounds, both included.

    `field` is "size" (bytes), "width", "height" (pixels), "rating" (1 to 5, the asker's own), or "quality",
    "brightness", "sharpness", "contrast" (0 to 100, by the recognizer; quality is the sharpness).
    """

    field: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class DateTerm:
    """A moment on these days, UTC, both included. `field` is "taken" (else when it was added) or "added"."""

    field: str
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class RelativeDateTerm:
    """A moment in the last so many days, weeks, months or years: stays relative when a search is saved.

    So do two days by name, UTC's: the unit is "today" or "yesterday" then, and the number 1.
    """

    NAMED: ClassVar = ("today", "yesterday")
    field: str
    number: int
    unit: str


@dataclass(frozen=True)
class OrientationTerm:
    """landscape, portrait or square, upright."""

    shape: str


@dataclass(frozen=True)
class StateTerm:
    """A state: favorite, untagged, failed, pending, reviewed, private, shared, public, trashed or duplicate."""

    STATES: ClassVar = (
        *("favorite", "untagged", "failed", "pending", "reviewed"),
        *("private", "shared", "public", "trashed", "duplicate"),
    )
    state: str


@dataclass(frozen=True)
class HasTerm:
    """Something of this sort: faces, text, location or labels."""

    THINGS: ClassVar = ("faces", "text", "location", "labels")
    thing: str


@dataclass(frozen=True)
class SourceTerm:
    """A current answer is this recognizer's; "person": somebody confirmed or added a label."""

    WHO: ClassVar = ("rekognition", "local", "simulator", "person")
    who: str


@dataclass(frozen=True)
class ModelTerm:
    """A current answer is by this model version."""

    version: str


@dataclass(frozen=True)
class SimilarTerm:
    """Looks nearly the same: at most 7 of the 64 bits of the perceptual hash differ. The picture itself is one."""

    image_id: int


@dataclass(frozen=True)
class Not:
    part: Node


@dataclass(frozen=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Node, ...]


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

SORTS = ("newest", "oldest", "taken", "confidence", "name", "size")
"""newest and oldest by when they were added; taken, the latest first; name from A; size, the largest first."""


@dataclass(frozen=True)
class Query:
    """A search: every one of its parts must hold. Pictures in the trash are left out unless it asks for them."""

    parts: tuple[Node, ...] = ()
    sort: str = "newest"

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def text(self) -> str:
        """Its one written form, which reads back as this query."""
        from analysis.search.syntax.serializer import serialize_query  # noqa: PLC0415 (it knows the tree)

        return serialize_query(self)

    def with_part(self, part: Node) -> Query:
        """This search narrowed; what asked for, or excluded, the same thing before gives way."""
        kept = (each for each in self.parts if subject(each) != subject(part))
        return replace(self, parts=(*kept, part))

    def without(self, part: Node) -> Query:
        return replace(self, parts=tuple(each for each in self.parts if each != part))

    def replacing(self, old: Node, new: Node) -> Query:
        """One part in another's place, so that chips keep their order."""
        parts = (new if each == old else each for each in self.parts)
        return replace(self, parts=tuple(dict.fromkeys(parts)))

    def sorted_by(self, sort: str) -> Query:
        return replace(self, sort=sort)

    @property
    def includes_trash(self) -> bool:
        trashed = StateTerm("trashed")
        if Not(trashed) in self.parts:
            return False
        return any(leaf == trashed for part in self.parts for leaf in leaves(part))

    @property
    def labels(self) -> tuple[LabelTerm, ...]:
        """The labels it asks for, not those it excludes or takes alternatively."""
        return tuple(part for part in self.parts if isinstance(part, LabelTerm))


def subject(part: Node) -> object:
    """What a part is about: the same for `dog`, `dog>=90` and `-dog`."""
    inner = part.part if isinstance(part, Not) else part
    if isinstance(inner, LabelTerm):
        return LabelTerm, inner.name.lower(), inner.kind, inner.is_prefix
    if isinstance(inner, RangeTerm | DateTerm | RelativeDateTerm):
        return inner.field
    return inner


def leaves(node: Node) -> Iterator[Leaf]:
    """All that a part is made of, whether asked for, excluded or alternative."""
    if isinstance(node, Not):
        yield from leaves(node.part)
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from leaves(part)
    else:
        yield node


def all_of(parts: Iterable[Node]) -> Node:
    """All of these in normal form: none twice, no And in an And; a single one stands for itself."""
    several = _flat(And, parts)
    return several[0] if len(several) == 1 else And(several)


def any_of(parts: Iterable[Node]) -> Node:
    several = _flat(Or, parts)
    return several[0] if len(several) == 1 else Or(several)


def negation(part: Node) -> Node:
    return part.part if isinstance(part, Not) else Not(part)


def _flat(kind: type[And | Or], parts: Iterable[Node]) -> tuple[Node, ...]:
    nested = ((part.parts if isinstance(part, kind) else (part,)) for part in parts)
    return tuple(dict.fromkeys(part for each in nested for part in each))
