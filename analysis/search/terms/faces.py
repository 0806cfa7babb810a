"""One face with several traits and an age: `face(smile age:20..30)`, `age>=60`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from analysis.search.literals import quoted, range_literal
from analysis.search.ranges import bounds, described_range, integer
from analysis.search.sql.conditions import exists, has_label
from analysis.search.sql.expressions import Sql, all_of
from analysis.search.terms.base import Candidates, LabelLookup, RequiredLabels, Resolution, Term, Value

AGES = integer(example="age:20..30", minimum=0, maximum=150)
TRAIT = "trait"
"""Stands for both kinds of label in `face(...)`: face and emotion."""


@dataclass(frozen=True)
class FaceTerm(Term):
    """Images with one face of this age in years that has all of these traits.

    Traits include emotions. Rekognition estimates a range of ages: a face from 18 to 24 matches 20..30.
    """

    fields = ("age",)
    default_cost = (4, "face(…)")
    is_comparable = True
    traits: tuple[str, ...] = ()
    age_low: int | None = None
    age_high: int | None = None

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> FaceTerm:
        return cls((), *bounds(AGES, sign, value.text))

    def write(self) -> str:
        # An age alone is written as a field.
        has_age = (self.age_low, self.age_high) != (None, None)
        age = f"age{range_literal(self.age_low, self.age_high, str)}" if has_age else ""
        if not self.traits:
            return age
        return f"face({' '.join([*map(quoted, self.traits), *([age] if age else [])])})"

    def describe(self) -> str:
        return _("face: %(traits)s") % {"traits": ", ".join([*self.traits, *self._described_age()])}

    def _described_age(self) -> list[str]:
        low, high = self.age_low, self.age_high
        if low is not None and high is not None:
            return [_("age %(range)s") % {"range": described_range(low, high, str)}]
        if low is not None:
            return [_("age %(age)s or older") % {"age": low}]
        return [] if high is None else [_("age %(age)s or younger") % {"age": high}]

    @property
    def lookups(self) -> tuple[LabelLookup, ...]:
        """The labels that an image has if one of its faces has these traits and emotions."""
        return tuple(LabelLookup("name", trait, TRAIT) for trait in self.traits)

    def condition(self, resolved: Resolution) -> Sql:
        test = self._test()
        row = exists(f"analysis_face f WHERE {{}} AND {test.text}", *test.values)
        # The labels are checked as well, since a rejected trait is still in the row of the face.
        return all_of([*map(has_label, resolved.label_sets(self)), row])

    def required_labels(self, resolved: Resolution) -> Iterable[RequiredLabels]:
        return (RequiredLabels(self, labels) for labels in resolved.label_sets(self))

    def candidates(self, resolved: Resolution) -> Candidates | None:
        if self.traits:
            return None  # traits are labels, and those have better indexes
        test = self._test()
        sql = Sql(f"SELECT f.image_id FROM analysis_face f WHERE {test.text}", test.values)
        return Candidates(sql, frozenset([self]), are_few=True)

    def _test(self) -> Sql:
        """The condition about a row of `analysis_face f`."""
        tests, values = ["true"], list[Any]()
        if self.traits:
            tests.append("(f.attributes || f.emotions) @> %s::varchar[]")
            # Rekognition's names are in title case: "Eyes Open".
            values.append([" ".join(word.capitalize() for word in trait.split()) for trait in self.traits])
        if self.age_low is not None:
            tests.append("f.age_high >= %s")
            values.append(self.age_low)
        if self.age_high is not None:
            tests.append("f.age_low <= %s")
            values.append(self.age_high)
        return Sql(" AND ".join(tests), tuple(values))
