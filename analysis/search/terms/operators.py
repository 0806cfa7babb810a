"""Parts combined by NOT, AND and OR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.utils.translation import gettext as _

from analysis.search.sql import expressions
from analysis.search.sql.conditions import LabelSet
from analysis.search.sql.expressions import Sql, negated
from analysis.search.terms.base import Candidates, Node, RequiredLabels, Resolution, Term


@dataclass(frozen=True)
class Not(Node):
    part: Node

    def write(self) -> str:
        return f"-{_grouped(self.part, And, Or)}"

    def describe(self) -> str:
        return _("not %(term)s") % {"term": _described(self.part)}

    def condition(self, resolved: Resolution) -> Sql:
        return negated(self.part.condition(resolved))

    @property
    def leaves(self) -> Iterator[Term]:
        return self.part.leaves

    def assuming_false(self, term: Term) -> Node | bool:
        inner = self.part.assuming_false(term)
        return (not inner) if isinstance(inner, bool) else Not(inner)

    def candidates(self, resolved: Resolution) -> Candidates | None:
        return self.part.candidates_without(resolved)

    def excluded_labels(self, resolved: Resolution) -> LabelSet | None:
        labels = self.part.sufficient_labels(resolved)
        return labels if labels and labels.ids else None


@dataclass(frozen=True)
class And(Node):
    parts: tuple[Node, ...]

    def write(self) -> str:
        return " ".join(_grouped(part, Or) for part in self.parts)

    def describe(self) -> str:
        return _(" and ").join(map(_described, self.parts))

    def condition(self, resolved: Resolution) -> Sql:
        return expressions.all_of(part.condition(resolved) for part in self.parts)

    @property
    def leaves(self) -> Iterator[Term]:
        return (leaf for part in self.parts for leaf in part.leaves)

    def assuming_false(self, term: Term) -> Node | bool:
        parts = [part.assuming_false(term) for part in self.parts]
        remaining = [part for part in parts if not isinstance(part, bool)]
        return False not in parts and (not remaining or all_of(remaining))


@dataclass(frozen=True)
class Or(Node):
    parts: tuple[Node, ...]

    def write(self) -> str:
        return " OR ".join(_grouped(part, And) for part in self.parts)

    def describe(self) -> str:
        return _(" or ").join(map(_described, self.parts))

    @property
    def leaves(self) -> Iterator[Term]:
        return (leaf for part in self.parts for leaf in part.leaves)

    def assuming_false(self, term: Term) -> Node | bool:
        parts = [part.assuming_false(term) for part in self.parts]
        remaining = [part for part in parts if not isinstance(part, bool)]
        return True in parts or (bool(remaining) and any_of(remaining))

    def condition(self, resolved: Resolution) -> Sql:
        kinds = dict.fromkeys(type(part) for part in self.parts if isinstance(part, Term))
        terms = {kind: [part for part in self.parts if type(part) is kind] for kind in kinds}
        others = [part.condition(resolved) for part in self.parts if not isinstance(part, Term)]
        same_kind = [kind.any_condition(alternatives, resolved) for kind, alternatives in terms.items()]
        return expressions.any_of([*others, *same_kind])

    def image_filter(self, resolved: Resolution) -> Sql | None:
        filters = [part.image_filter(resolved) for part in self.parts]
        return expressions.any_of(sql for sql in filters if sql) if all(filters) else None

    def candidates(self, resolved: Resolution) -> Candidates | None:
        terms = [part for part in self.parts if isinstance(part, Term)]
        kinds = {type(part) for part in self.parts}
        if not terms or len(kinds) > 1:
            return None
        sql = type(terms[0]).any_candidates(terms, resolved)
        return Candidates(sql, frozenset([self]), is_indexed=True, are_few=True) if sql else None

    def required_labels(self, resolved: Resolution) -> Iterable[RequiredLabels]:
        """The labels of all alternatives, if each of them needs labels."""
        required = [next(iter(part.required_labels(resolved)), None) for part in self.parts]
        alternatives = [labels for labels in required if labels]
        if len(alternatives) == len(self.parts):
            is_all = self.sufficient_labels(resolved) is not None
            labels = reduce(or_, (labels.labels for labels in alternatives))
            yield RequiredLabels(self, labels, is_all=is_all)

    def sufficient_labels(self, resolved: Resolution) -> LabelSet | None:
        sets = [part.sufficient_labels(resolved) for part in self.parts]
        sufficient = [labels for labels in sets if labels is not None]
        return reduce(or_, sufficient) if len(sufficient) == len(self.parts) else None


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
    nested = (_parts_of(kind, part) for part in parts)
    return tuple(dict.fromkeys(part for group in nested for part in group))


def _parts_of(kind: type[And | Or], part: Node) -> Sequence[Node]:
    return part.parts if isinstance(part, kind) else (part,)


def _grouped(part: Node, *kinds: type[And | Or]) -> str:
    return f"({part})" if isinstance(part, kinds) else str(part)


def _described(part: Node) -> str:
    return f"({part.describe()})" if isinstance(part, And | Or) else part.describe()
