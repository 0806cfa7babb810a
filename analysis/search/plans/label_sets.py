"""Candidates by the index over label sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.search.sql.conditions import LabelSet
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Candidates, Node, RequiredLabels

MAX_TSQUERY_LABELS = 64
"""A term that matches more labels than this is compared as an array, not as a tsquery."""
LABEL_TSVECTOR = "array_to_tsvector({}.label_ids::text[])"


def label_tsquery(
    required: Sequence[RequiredLabels], excluded: Mapping[Node, LabelSet]
) -> tuple[str, set[Node]] | None:
    """A tsquery over label ids, and the parts that it covers completely."""
    included = [labels for labels in required if len(labels.labels.ids) <= MAX_TSQUERY_LABELS]
    negated = {part: labels for part, labels in excluded.items() if len(labels.ids) <= MAX_TSQUERY_LABELS}
    if not included:
        return None
    terms = [_tsquery_alternatives(labels.labels) for labels in included]
    terms += [f"!{_tsquery_alternatives(labels)}" for labels in negated.values()]
    return " & ".join(terms), {labels.part for labels in included if labels.is_covered_by_ids} | set(negated)


def label_set_candidates(required: Sequence[RequiredLabels], excluded: Mapping[Node, LabelSet]) -> Candidates:
    """Images with all required and no excluded labels, by the GIN index of label ids."""
    tests, values, matched = list[str](), list[Any](), set[Node]()
    # A GIN index over int[] has no operator for "and not", so with exclusions it would read all images that have the
    # required labels. The second one, over a tsvector of the same ids, does.
    if excluded and (tsquery := label_tsquery(required, excluded)):
        tests, values, matched = [f"{LABEL_TSVECTOR.format('x')} @@ %s::tsquery"], [tsquery[0]], tsquery[1]
    elif single := [labels for labels in required if len(labels.labels.ids) == 1]:
        tests, values = ["x.label_ids @> %s::int[]"], [[labels.labels.ids[0] for labels in single]]
        matched = {labels.part for labels in single if labels.is_covered_by_ids}
    for labels in [labels for labels in required if len(labels.labels.ids) > 1 and labels.part not in matched]:
        tests, values = [*tests, "x.label_ids && %s::int[]"], [*values, list(labels.labels.ids)]
        matched |= {labels.part} if labels.is_covered_by_ids else set()
    for part, label_set in excluded.items():
        if part not in matched:
            tests, values = [*tests, "NOT x.label_ids && %s::int[]"], [*values, list(label_set.ids)]
            matched |= {part}
    columns = "x.image_id, x.added_at, x.owner_id, x.visibility"
    text = f"SELECT {columns} FROM analysis_imageindex x WHERE {' AND '.join(tests)}"
    return Candidates(Sql(text, tuple(values)), frozenset(matched), is_indexed=True)


def _tsquery_alternatives(labels: LabelSet) -> str:
    return f"({' | '.join(map(str, labels.ids))})"
