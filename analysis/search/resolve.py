"""A query's names as sets of label ids."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models.functions import Lower

from analysis.models import Label, LabelAlias
from analysis.search.query import HasLabel, Query, names_in


@dataclass(frozen=True)
class Condition:
    """One term in the database's own words; `least` in hundredths of a percent."""

    term: HasLabel
    label_ids: tuple[int, ...]
    least: int
    image_count: int

    @property
    def is_excluded(self) -> bool:
        return self.term.is_excluded


def resolve(query: Query) -> tuple[Condition, ...]:
    """The conditions of a query, wanted ones first and the rarest of them leading: it drives the search."""
    labels = _labels_by_name(set(names_in(query)))
    conditions = [
        Condition(
            term,
            tuple(sorted(labels.get(term.name.lower(), {}))),
            least=round(term.least * 100),
            image_count=sum(labels.get(term.name.lower(), {}).values()),
        )
        for term in query.terms
    ]
    return tuple(sorted(conditions, key=lambda c: (c.is_excluded, c.image_count, c.label_ids)))


def _labels_by_name(names: set[str]) -> dict[str, dict[int, int]]:
    """For each lower-case name, the labels it or an alias of it names, with how many pictures carry each."""
    found: dict[str, dict[int, int]] = {}
    own = Label.objects.annotate(lower=Lower("name")).filter(lower__in=names)
    for lower, pk, count in own.values_list("lower", "pk", "image_count"):
        found.setdefault(lower, {})[pk] = count
    aliases = LabelAlias.objects.annotate(lower=Lower("name")).filter(lower__in=names)
    for lower, pk, count in aliases.values_list("lower", "label_id", "label__image_count"):
        found.setdefault(lower, {})[pk] = count
    return found
