"""A search as a value: the terms that must all match, and the sort order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from analysis.search.pagination import DEFAULT_SORT
from analysis.search.terms import (
    And,
    DateTerm,
    HasTerm,
    LabelTerm,
    ModelTerm,
    Node,
    Not,
    Or,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    Term,
    all_of,
    any_of,
    negation,
)

__all__ = [
    "DEFAULT_SORT",
    "SORTS",
    "TRASHED",
    "And",
    "DateTerm",
    "HasTerm",
    "LabelTerm",
    "ModelTerm",
    "Node",
    "Not",
    "Or",
    "Query",
    "SourceTerm",
    "StateTerm",
    "all_of",
    "any_of",
    "default_sort",
    "leaves",
    "negation",
    "subject",
]

SORTS = ("taken", "taken-oldest", "newest", "oldest", "confidence", "name", "size", "similarity")
"""Sort orders: taken, latest first; taken-oldest, earliest first; newest and oldest by the date added; name from A;
size, largest first; similarity to the picture of the first `similar:`.
"""
TRASHED = StateTerm("trashed")


@dataclass(frozen=True)
class Query:
    """A search whose parts must all match.

    Images in the trash are left out unless a term includes them.
    """

    parts: tuple[Node, ...] = ()
    sort: str = DEFAULT_SORT

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def text(self) -> str:
        """The canonical text of this query; parsing it returns an equal query."""
        # An OR among other parts needs parentheses, since the words around it bind first.
        parts = [f"({part})" if len(self.parts) > 1 and isinstance(part, Or) else str(part) for part in self.parts]
        return " ".join(parts if self.sort == default_sort(self.parts) else [*parts, f"sort:{self.sort}"])

    @property
    def depth(self) -> int:
        """The nesting depth of parentheses in `text`."""
        has_several = len(self.parts) > 1
        return max((_depth(part) + (has_several and isinstance(part, Or)) for part in self.parts), default=0)

    def with_part(self, part: Node) -> Query:
        """This search narrowed by a part, which replaces those on the same subject."""
        others = (old for old in self.parts if subject(old) != subject(part))
        return self._with_parts((*others, part))

    def without(self, part: Node) -> Query:
        return self._with_parts(old for old in self.parts if old != part)

    def replacing(self, old: Node, new: Node) -> Query:
        """Replace one part by another in its place, so that filter chips keep their order."""
        parts = (new if part == old else part for part in self.parts)
        return self._with_parts(dict.fromkeys(parts))

    def _with_parts(self, parts: Iterable[Node]) -> Query:
        """These parts with the chosen sort order, or their default one."""
        parts, is_default = tuple(parts), self.sort == default_sort(self.parts)
        return Query(parts, default_sort(parts) if is_default else self.sort)

    def sorted_by(self, sort: str) -> Query:
        return replace(self, sort=sort)

    @property
    def includes_trash(self) -> bool:
        if Not(TRASHED) in self.parts:
            return False
        return any(leaf == TRASHED for part in self.parts for leaf in part.leaves)

    @property
    def labels(self) -> tuple[LabelTerm, ...]:
        """The required labels, without excluded or alternative ones."""
        return tuple(part for part in self.parts if isinstance(part, LabelTerm))


def default_sort(parts: Iterable[Node]) -> str:
    """The order of a search that names none."""
    return "similarity" if any(isinstance(part, SimilarTerm) for part in parts) else DEFAULT_SORT


def subject(part: Node) -> object:
    """A value equal for parts about the same thing: `dog`, `dog>=90` and `-dog`."""
    inner = part.part if isinstance(part, Not) else part
    return inner.subject if isinstance(inner, Term) else inner


def leaves(node: Node) -> Iterator[Term]:
    """All terms of a node, whether required, excluded or alternative."""
    return node.leaves


def _depth(part: Node) -> int:
    match part:
        case Not(inner):
            return _depth(inner) + isinstance(inner, And | Or)
        case And(parts):
            return max(_depth(child) + isinstance(child, Or) for child in parts)
        case Or(parts):
            return max(_depth(child) + isinstance(child, And) for child in parts)
    return 0
