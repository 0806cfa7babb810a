"""Resolution of the names in a query: labels, owners, cameras, similar pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from analysis.models import Viewer
from analysis.search.database import fetch_all
from analysis.search.query import Query
from analysis.search.sql.conditions import LabelSet
from analysis.search.terms.base import LabelLookup, Resolution, Term
from analysis.search.terms.faces import TRAIT

MAX_PREFIX_LABELS = 1_000
"""Of more labels with a prefix, the most frequent ones are searched."""

_KIND = f"""
    CASE said.kind WHEN '' THEN NOT label.is_hidden WHEN '{TRAIT}' THEN label.kind IN ('face', 'emotion')
    ELSE label.kind = said.kind END
"""
# A label merged into another is replaced by that one.
_STANDING = "JOIN analysis_label label ON label.id = coalesce(named.merged_into_id, named.id)"
_LOOKUPS = {
    "name": f"""
        SELECT place, label.id, label.image_count FROM said
        JOIN analysis_label named ON lower(named.name) = lower(said.name) {_STANDING} WHERE how = 'name' AND {_KIND}
        UNION
        SELECT place, label.id, label.image_count FROM said
        JOIN analysis_labelalias alias ON lower(alias.name) = lower(said.name)
        JOIN analysis_label named ON named.id = alias.label_id {_STANDING} WHERE how = 'name' AND {_KIND}
    """,
    "prefix": f"""
        SELECT place, begun.id, begun.image_count FROM said CROSS JOIN LATERAL (
            SELECT DISTINCT label.id, label.image_count FROM analysis_label named {_STANDING}
            WHERE {_KIND} AND (starts_with(lower(named.name), lower(said.name)) OR EXISTS (
                SELECT FROM analysis_labelalias alias
                WHERE alias.label_id = named.id AND starts_with(lower(alias.name), lower(said.name))))
            ORDER BY label.image_count DESC LIMIT {MAX_PREFIX_LABELS}) begun
        WHERE how = 'prefix'
    """,
    "category": """
        SELECT place, label.id, label.image_count FROM said
        JOIN analysis_label label ON lower(label.category) = lower(said.name)
        WHERE how = 'category' AND NOT label.is_hidden AND label.merged_into_id IS NULL
    """,
}


@dataclass(frozen=True)
class ResolvedQuery(Resolution):
    """A query whose names are resolved."""

    query: Query = field(default_factory=Query)


def resolve(query: Query, *, viewer: Viewer, moment: datetime) -> ResolvedQuery:
    """Look up everything that the terms of a query name."""
    terms = list(dict.fromkeys(leaf for part in query.parts for leaf in part.leaves))
    labels, image_count = _labels(lookup for term in terms for lookup in term.lookups)
    values: dict[Term, Any] = {}
    for kind in dict.fromkeys(type(term) for term in terms):
        values |= kind.resolve_all([term for term in terms if type(term) is kind], viewer)
    return ResolvedQuery(viewer, moment, labels, image_count, values, query)


def _labels(wanted: Iterable[LabelLookup]) -> tuple[dict[LabelLookup, LabelSet], int]:
    """The labels of each lookup, and about how many images there are.

    0 images without labels.

    Names and aliases ignore case. A merged label stands for its target, and is searched along with it while images
    are still being reindexed. Hidden labels match only with their kind.
    """
    lookups: Sequence[LabelLookup] = list(dict.fromkeys(wanted))
    if not lookups:
        return {}, 0
    matches: list[list[tuple[int, int]]] = [[] for _ in lookups]
    methods = dict.fromkeys(lookup.method for lookup in lookups)
    [(_, _, total), *rows] = fetch_all(
        f"""
        WITH said AS (
            SELECT number - 1 AS place, how, name, kind
            FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS said (how, name, kind, number)),
        meant AS ({" UNION ALL ".join(_LOOKUPS[method] for method in methods)})
        SELECT -1 AS place, 0 AS id, (SELECT max(id) FROM analysis_image) AS image_count
        UNION ALL SELECT * FROM meant
        UNION ALL
        SELECT place, merged.id, merged.image_count FROM meant
        JOIN analysis_label merged ON merged.merged_into_id = meant.id AND merged.reindex_cursor IS NOT NULL
        ORDER BY place
        """,
        [list(column) for column in zip(*lookups, strict=True)],
    )
    for place, pk, number in rows:
        matches[place].append((pk, number))
    labels = (LabelSet(tuple(sorted(pk for pk, _ in found)), sum(number for _, number in found)) for found in matches)
    return dict(zip(lookups, labels, strict=True)), total or 0
