"""The number of instances of a label: `count(person)>=3`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import Label
from analysis.search.literals import UNQUOTED, always_quoted, range_literal
from analysis.search.ranges import bounds, described_range, integer
from analysis.search.sql.conditions import has_count
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import LabelLookup, RequiredLabels, Resolution, Term, Value

INSTANCES = integer(example="count(person)>=3", minimum=0, maximum=1_000_000)


@dataclass(frozen=True)
class CountTerm(Term):
    """Images with this number of instances of a label; None is no upper bound.

    Its name comes in parentheses and not after a colon, so it has no fields and the parser calls `parse` itself.
    """

    name: str
    minimum: int
    maximum: int | None = None
    is_exact: bool = False
    """Excludes other forms of the name, such as the plural. Names that need quotes are exact."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_exact", self.is_exact or not UNQUOTED.fullmatch(self.name))

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> CountTerm:
        """The term for the label `field`."""
        low, high = bounds(INSTANCES, sign, value.text)
        return cls(field, low or 0, high)

    def write(self) -> str:
        name = always_quoted(self.name) if self.is_exact else self.name
        if self.minimum == 0 and self.maximum is not None:
            return f"count({name})<={self.maximum}"
        return f"count({name}){range_literal(self.minimum, self.maximum, str, equals='=')}"

    def describe(self) -> str:
        values = {"label": self.name, "number": formatting.count(self.minimum)}
        if self.minimum == 0 and self.maximum is not None:
            if self.maximum == 0:
                return _("no %(label)s") % values
            return _("at most %(number)s × %(label)s") % {**values, "number": formatting.count(self.maximum)}
        if self.maximum is None:
            return _("at least %(number)s × %(label)s") % values
        return f"{described_range(self.minimum, self.maximum, formatting.count)} × {self.name}"

    @property
    def lookups(self) -> tuple[LabelLookup, ...]:
        return (LabelLookup("name", self.name, Label.Kind.LABEL, self.is_exact),)

    def condition(self, resolved: Resolution) -> Sql:
        return has_count(resolved.label_set(self), minimum=self.minimum, maximum=self.maximum)

    def required_labels(self, resolved: Resolution) -> Iterable[RequiredLabels]:
        if self.minimum > 0:
            yield RequiredLabels(self, resolved.label_set(self))
