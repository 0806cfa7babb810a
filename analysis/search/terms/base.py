"""The contract of a part of a search: its syntax, description and SQL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any, ClassVar, NamedTuple, Self

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from analysis.models import Viewer
from analysis.search.errors import InvalidValue, excerpt
from analysis.search.sql.conditions import LabelSet
from analysis.search.sql.expressions import Sql, any_of


@dataclass(frozen=True)
class Resolution:
    """The meaning of the names in a query, for one viewer at one moment."""

    viewer: Viewer
    moment: datetime
    """The present, from which relative dates are counted."""
    labels: dict[LabelLookup, LabelSet] = field(default_factory=dict)
    image_count: int = 0
    """Approximate number of all images; 0 if no part names labels."""
    values: dict[Term, Any] = field(default_factory=dict)
    """The results of `Term.resolve_all`."""

    def label_set(self, term: Term) -> LabelSet:
        """The labels of a term that names some."""
        return self.label_sets(term)[0]

    def label_sets(self, term: Term) -> list[LabelSet]:
        return [self.labels.get(lookup, LabelSet()) for lookup in term.lookups]


class Node(ABC):
    """A part of a search: a term, or parts combined by NOT, AND or OR."""

    def __str__(self) -> str:
        return self.write()

    @abstractmethod
    def write(self) -> str:
        """The part in the search language; parsing it returns an equal part."""

    @abstractmethod
    def describe(self) -> str:
        """The part in the reader's language.

        For example "dog ≥ 90 %", "not dog", "face: smile, age 20–30".
        """

    @abstractmethod
    def condition(self, resolved: Resolution) -> Sql:
        """A condition about `d.image_id` that is true or false, never null."""

    @property
    @abstractmethod
    def leaves(self) -> Iterator[Term]:
        """All terms, whether required, excluded or alternative."""

    @abstractmethod
    def assuming_false(self, term: Term) -> Node | bool:
        """The part if this term is false: a part without it, true or false."""

    # The methods below only help to find matches quickly: without them, a part is searched by its condition alone.

    @property
    def partial_index(self) -> str:
        """The condition of a partial index of `analysis_image i` with all matches.

        It is in order of the date taken.
        """
        return ""

    def row_condition(self, resolved: Resolution) -> Sql | None:
        """The same condition with `d.owner_id`, `d.visibility` and `d.sort_time` only."""
        return None

    def image_filter(self, resolved: Resolution) -> Sql | None:
        """A condition of all matches on `analysis_image i` that an index supports."""
        return None

    def candidates(self, resolved: Resolution) -> Candidates | None:
        """A statement that finds all matches by an index or in another table."""
        return None

    def candidates_without(self, resolved: Resolution) -> Candidates | None:
        """The same for all images that do not match."""
        return None

    def required_labels(self, resolved: Resolution) -> Iterable[RequiredLabels]:
        """The labels without which no image matches."""
        return ()

    def sufficient_labels(self, resolved: Resolution) -> LabelSet | None:
        """The labels of which any one makes an image match, if nothing else does."""
        return None

    def excluded_labels(self, resolved: Resolution) -> LabelSet | None:
        """The labels that no match has, if the part needs nothing but their absence."""
        return None


class Value(NamedTuple):
    """A value as it was typed, without its quotes and its asterisk."""

    text: str
    is_prefix: bool = False
    is_quoted: bool = False


class LabelLookup(NamedTuple):
    """The labels that a term names, to be looked up by resolve.py.

    `method` is name, prefix or category. Unless `is_exact`, a name without a label may be another form of a label's
    name.
    """

    method: str
    name: str
    kind: str = ""
    is_exact: bool = True


class Term(Node):
    """A kind of term. A new one is a subclass in this package, listed in `TERMS`."""

    fields: ClassVar[tuple[str, ...]] = ()
    """Words before the colon: `width` in `width:4000`."""
    is_comparable: ClassVar[bool] = False
    """True if a comparison may follow its fields: `width>=4000`."""
    takes_prefix: ClassVar[bool] = False
    """True if an asterisk may follow its value: `tag:sum*`."""
    suggestions: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Values that autocomplete offers, by field."""
    default_cost: ClassVar[tuple[int, str]] = (2, "width: or taken:")

    @classmethod
    @abstractmethod
    def parse(cls, field: str, sign: str, value: Value) -> Term:
        """The term for a value of one of its fields. Raises InvalidValue.

        `sign` is the comparison before the value; it is empty unless `is_comparable`.
        """

    @property
    def leaves(self) -> Iterator[Term]:
        yield self

    def assuming_false(self, term: Term) -> Node | bool:
        return self != term and self

    @property
    def subject(self) -> object:
        """A value that is equal for terms about the same thing: `dog` and `dog>=90`."""
        return self

    @property
    def cost(self) -> tuple[int, str]:
        """Its share of query_cost.MAX_COST, and an example of terms that cost as much."""
        return self.default_cost

    @property
    def lookups(self) -> tuple[LabelLookup, ...]:
        """The labels to look up before the search; `resolved.label_set` has the result."""
        return ()

    @classmethod
    def resolve_all(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Term, Any]:
        """Other values that the terms of this kind name, for `resolved.values`."""
        return {}

    @classmethod
    def any_condition(cls, terms: Sequence[Self], resolved: Resolution) -> Sql:
        """The condition that one of these terms matches."""
        return any_of(term.condition(resolved) for term in terms)

    @classmethod
    def any_candidates(cls, terms: Sequence[Self], resolved: Resolution) -> Sql | None:
        """A statement that finds all alternatives of this kind in one scan."""
        return None


class ChoiceTerm(Term):
    """A field that accepts one of a few words."""

    choices: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        cls.suggestions = dict.fromkeys(cls.fields, cls.choices)

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> Term:
        return cls(choice(field, value.text, cls.choices))  # type: ignore[call-arg] # subclasses are dataclasses


def choice(field_name: str, text: str, choices: Sequence[str]) -> str:
    """One of the words that a field accepts. Raises InvalidValue."""
    text = text.lower()
    if text in choices:
        return text
    values = {"field": field_name, "choices": get_text_list(list(choices)), "value": excerpt(text)}
    if similar := get_close_matches(text, choices, n=1):
        message = _("%(field)s: accepts %(choices)s, not “%(value)s”. Did you mean “%(suggestion)s”?")
        raise InvalidValue(message % {**values, "suggestion": similar[0]})
    raise InvalidValue(_("%(field)s: accepts %(choices)s, not “%(value)s”.") % values)


@dataclass(frozen=True)
class RequiredLabels:
    """A part that needs one of these labels; `is_all` if it needs nothing else.

    `minimum` is the confidence in hundredths of a percent.
    """

    part: Node
    labels: LabelSet
    minimum: int = 0
    is_all: bool = False

    @property
    def is_covered_by_ids(self) -> bool:
        """True if the part needs nothing but one of the labels."""
        return self.is_all and self.minimum == 0


@dataclass(frozen=True)
class Candidates:
    """A statement that returns image_id, and the parts that match all its images.

    `is_indexed`: it also returns sort_time, owner_id and visibility, no image twice and none from the trash.
    `are_few`: reading all of them is cheaper than any other way.
    """

    sql: Sql
    matched: frozenset[Node] = frozenset()
    is_indexed: bool = False
    are_few: bool = False
