"""Labels by name, prefix or category: `dog`, `tag:sum*`, `category:Nature`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.search.literals import UNQUOTED, always_quoted, number_literal, quoted
from analysis.search.ranges import percent
from analysis.search.sql.conditions import LabelSet, has_label, hundredths
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import LabelLookup, RequiredLabels, Resolution, Term, Value

CONFIDENCE = percent(example="dog>=90")
KIND_NAMES = {
    "label": gettext_lazy("label"),
    "tag": gettext_lazy("tag"),
    "celebrity": gettext_lazy("celebrity"),
    "emotion": gettext_lazy("emotion"),
    "face": gettext_lazy("face"),
    "color": gettext_lazy("color"),
    "moderation": gettext_lazy("moderation"),
}


@dataclass(frozen=True)
class LabelTerm(Term):
    """Images with a label of this name or alias.

    `kind` limits it to one kind of label and includes hidden labels; `minimum` is the confidence in percent;
    `is_prefix` accepts every name or alias that begins with `name`; `is_exact` no other form of the name, such as the
    plural. Names that have to be written in quotes are exact.
    """

    KINDS: ClassVar = tuple(KIND_NAMES)
    fields = KINDS
    takes_prefix = True
    comparable_fields: ClassVar[frozenset[str]] = frozenset()
    """Names that are fields of other terms before a comparison, so that `size>=90` is not about a label."""
    name: str
    kind: str = ""
    minimum: float = 0.0
    is_prefix: bool = False
    is_exact: bool = False

    def __post_init__(self) -> None:
        # One form of equal terms, so that parsing what `write` returns gives an equal one.
        is_exact = not self.is_prefix and (self.is_exact or self._needs_quotes)
        object.__setattr__(self, "is_exact", is_exact)

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> LabelTerm:
        return cls(value.text, field, is_prefix=value.is_prefix, is_exact=value.is_quoted)

    def with_minimum(self, text: str) -> LabelTerm:
        """The label at a confidence of at least this text says. Raises InvalidValue."""
        return replace(self, minimum=CONFIDENCE.span(text)[0])

    def write(self) -> str:
        name = always_quoted(self.name) if self.is_exact else quoted(self.name)
        kind = f"{self.kind}:" if self.kind else ""
        minimum = f">={number_literal(self.minimum)}" if self.minimum else ""
        return f"{kind}{name}{'*' if self.is_prefix else ''}{minimum}"

    @property
    def _needs_quotes(self) -> bool:
        is_field = self.minimum > 0 and not self.kind and self.name.lower() in self.comparable_fields
        return is_field or not UNQUOTED.fullmatch(self.name)

    def describe(self) -> str:
        name = f"{self.name}…" if self.is_prefix else self.name
        if self.kind:
            name = _("%(field)s: %(value)s") % {"field": KIND_NAMES[self.kind], "value": name}
        if self.minimum:
            return _("%(label)s ≥ %(minimum)s %%") % {"label": name, "minimum": number_literal(self.minimum)}
        return name

    @property
    def subject(self) -> object:
        return LabelTerm, self.name.lower(), self.kind, self.is_prefix

    @property
    def cost(self) -> tuple[int, str]:
        return (8, "dog*") if self.is_prefix else (1, "dog")

    @property
    def lookups(self) -> tuple[LabelLookup, ...]:
        if self.is_prefix:
            return (LabelLookup("prefix", self.name, self.kind),)
        return (LabelLookup("name", self.name, self.kind, self.is_exact),)

    def condition(self, resolved: Resolution) -> Sql:
        return has_label(resolved.label_set(self), minimum=hundredths(self.minimum))

    def required_labels(self, resolved: Resolution) -> Iterable[RequiredLabels]:
        yield RequiredLabels(self, resolved.label_set(self), hundredths(self.minimum), is_all=True)

    def sufficient_labels(self, resolved: Resolution) -> LabelSet | None:
        return None if self.minimum else resolved.label_set(self)


@dataclass(frozen=True)
class CategoryTerm(Term):
    """Images with a label of this Rekognition category: "Animals and Pets"."""

    fields = ("category",)
    default_cost = (4, "category:")
    name: str

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> CategoryTerm:
        return cls(value.text)

    def write(self) -> str:
        return f"category:{quoted(self.name)}"

    def describe(self) -> str:
        return _("category: %(name)s") % {"name": self.name}

    @property
    def lookups(self) -> tuple[LabelLookup, ...]:
        return (LabelLookup("category", self.name),)

    def condition(self, resolved: Resolution) -> Sql:
        return has_label(resolved.label_set(self))

    def required_labels(self, resolved: Resolution) -> Iterable[RequiredLabels]:
        yield RequiredLabels(self, resolved.label_set(self), is_all=True)

    def sufficient_labels(self, resolved: Resolution) -> LabelSet:
        return resolved.label_set(self)
