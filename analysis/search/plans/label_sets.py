"""Candidates by the index over label sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.search.sql.conditions import LabelSet
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Candidates, Node, RequiredLabels

LABEL_TSVECTOR = "array_to_tsvector({}.label_ids::text[])"


def label_tsquery(required: Sequence[RequiredLabels], excluded: Mapping[Node, LabelSet]) -> tuple[str, set[Node]]:
    """A tsquery over label ids, and the parts that it covers completely."""
    terms = [_alternatives(labels.labels) for labels in required]
    terms += [f"!{_alternatives(labels)}" for labels in excluded.values()]
    return " & ".join(terms), {labels.part for labels in required if labels.is_covered_by_ids} | set(excluded)


def label_set_candidates(required: Sequence[RequiredLabels], excluded: Mapping[Node, LabelSet]) -> Candidates:
    """Images with all required and no excluded labels, by the GIN index of label ids."""
    # The index has the ids as words of a tsvector: one over int[] has no operator for "and not", so with exclusions it
    # would read all images with the required labels. Without exclusions it is no faster.
    tsquery, matched = label_tsquery(required, excluded)
    columns, test = "x.image_id, x.sort_time, x.owner_id, x.visibility", f"{LABEL_TSVECTOR.format('x')} @@ %s::tsquery"
    text = f"SELECT {columns} FROM analysis_imageindex x WHERE {test}"
    return Candidates(Sql(text, (tsquery,)), frozenset(matched), is_indexed=True)


def _alternatives(labels: LabelSet) -> str:
    return f"({' | '.join(map(str, labels.ids))})"
