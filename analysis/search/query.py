"""A search as a value: the terms that must all match, and the sort order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from analysis.search.nodes import (
    And,
    CategoryTerm,
    CountTerm,
    DateTerm,
    FaceTerm,
    FieldTerm,
    HasTerm,
    LabelTerm,
    Leaf,
    ModelTerm,
    Node,
    Not,
    Or,
    OrientationTerm,
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)

__all__ = [
    "SORTS",
    "And",
    "CategoryTerm",
    "CountTerm",
    "DateTerm",
    "FaceTerm",
    "FieldTerm",
    "HasTerm",
    "LabelTerm",
    "Leaf",
    "ModelTerm",
    "Node",
    "Not",
    "Or",
    "OrientationTerm",
    "Query",
    "RangeTerm",
    "RelativeDateTerm",
    "SimilarTerm",
    "SourceTerm",
    "StateTerm",
    "TextTerm",
    "all_of",
    "any_of",
    "leaves",
    "negation",
    "subject",
]

SORTS = ("newest", "oldest", "taken", "confidence", "name", "size")
"""newest and oldest by the date added; taken, the latest first; name from A; size, the largest first."""
TRASHED = StateTerm("trashed")


@dataclass(frozen=True)
class Query:
    """A search whose parts must all match.

    Images in the trash are left out unless a part asks for them.
    """

    parts: tuple[Node, ...] = ()
    sort: str = "newest"

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def text(self) -> str:
        """The canonical text of this query; parsing it returns an equal query."""
        parts = [f"({part})" if len(self.parts) > 1 and isinstance(part, Or) else str(part) for part in self.parts]
        return " ".join(parts if self.sort == "newest" else [*parts, f"sort:{self.sort}"])

    @property
    def depth(self) -> int:
        """The nesting depth of parentheses in `text`."""
        has_several = len(self.parts) > 1
        return max((_depth(part) + (has_several and isinstance(part, Or)) for part in self.parts), default=0)

    def with_part(self, part: Node) -> Query:
        """This search narrowed by a part, which replaces those on the same subject."""
        others = (old for old in self.parts if subject(old) != subject(part))
        return replace(self, parts=(*others, part))

    def without(self, part: Node) -> Query:
        return replace(self, parts=tuple(old for old in self.parts if old != part))

    def replacing(self, old: Node, new: Node) -> Query:
        """One part in place of another, so that filter chips keep their order."""
        parts = (new if part == old else part for part in self.parts)
        return replace(self, parts=tuple(dict.fromkeys(parts)))

    def sorted_by(self, sort: str) -> Query:
        return replace(self, sort=sort)

    @property
    def includes_trash(self) -> bool:
        if Not(TRASHED) in self.parts:
            return False
        return any(leaf == TRASHED for part in self.parts for leaf in leaves(part))

    @property
    def labels(self) -> tuple[LabelTerm, ...]:
        """The required labels, without excluded or alternative ones."""
        return tuple(part for part in self.parts if isinstance(part, LabelTerm))


def subject(part: Node) -> object:
    """A value that is equal for parts about one thing: `dog`, `dog>=90` and `-dog`."""
    inner = part.part if isinstance(part, Not) else part
    if isinstance(inner, LabelTerm):
        return LabelTerm, inner.name.lower(), inner.kind, inner.is_prefix
    if isinstance(inner, RangeTerm | DateTerm | RelativeDateTerm):
        return inner.field
    return inner


def leaves(node: Node) -> Iterator[Leaf]:
    """All leaves of a node, whether required, excluded or alternative."""
    if isinstance(node, Not):
        yield from leaves(node.part)
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from leaves(part)
    else:
        yield node


def all_of(parts: Iterable[Node]) -> Node:
    """The conjunction in normal form: no duplicates, no And within an And."""
    flat = _flat(And, parts)
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(parts: Iterable[Node]) -> Node:
    """The disjunction in normal form, like `all_of`."""
    flat = _flat(Or, parts)
    return flat[0] if len(flat) == 1 else Or(flat)


def negation(part: Node) -> Node:
    return part.part if isinstance(part, Not) else Not(part)


def _flat(kind: type[And | Or], parts: Iterable[Node]) -> tuple[Node, ...]:
    nested = ((part.parts if isinstance(part, kind) else (part,)) for part in parts)
    return tuple(dict.fromkeys(part for group in nested for part in group))


def _depth(part: Node) -> int:
    match part:
        case Not(inner):
            return _depth(inner) + isinstance(inner, And | Or)
        case And(parts):
            return max(_depth(child) + isinstance(child, Or) for child in parts)
        case Or(parts):
            return max(_depth(child) + isinstance(child, And) for child in parts)
    return 0
