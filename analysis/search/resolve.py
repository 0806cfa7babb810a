"""Resolution of the names in a query: labels, owners, cameras, similar pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from analysis.models import Label, Viewer
from analysis.search.database import fetch_all
from analysis.search.folding import unicode_forms
from analysis.search.label_index import (
    NAMES_STATE,
    LabelIndex,
    NamesState,
    known_labels,
    names_state_values,
    refreshed_index,
)
from analysis.search.query import Query
from analysis.search.sql.conditions import LabelSet
from analysis.search.terms.base import LabelLookup, Resolution, Term
from analysis.search.terms.faces import TRAIT
from analysis.search.words import KnownNames, WordMeaning, WordReading, may_change, read_words

MAX_PREFIX_LABELS = 1_000
"""Of more labels with a prefix, the most frequent ones are searched."""
PRIVATE = {Label.Kind.TAG, Label.Kind.CELEBRITY}
"""Labels whose names come from people: others learn them only from images that they may see."""

_KIND = f"""
    CASE said.kind WHEN '' THEN NOT label.is_hidden WHEN '{TRAIT}' THEN label.kind IN ('face', 'emotion')
    ELSE label.kind = said.kind END
"""
# A label merged into another is replaced by that one.
_STANDING = "JOIN analysis_label label ON label.id = coalesce(named.merged_into_id, named.id)"
_LOOKUPS = {
    "name": f"""
        SELECT place, label.id, label.image_count, label.kind FROM said
        JOIN analysis_label named ON lower(named.name) = lower(said.name) {_STANDING} WHERE how = 'name' AND {_KIND}
        UNION
        SELECT place, label.id, label.image_count, label.kind FROM said
        JOIN analysis_labelalias alias ON lower(alias.name) = lower(said.name)
        JOIN analysis_label named ON named.id = alias.label_id {_STANDING} WHERE how = 'name' AND {_KIND}
    """,
    "prefix": f"""
        SELECT place, begun.id, begun.image_count, begun.kind FROM said CROSS JOIN LATERAL (
            SELECT DISTINCT label.id, label.image_count, label.kind FROM analysis_label named {_STANDING}
            WHERE {_KIND} AND (starts_with(lower(named.name), lower(said.name)) OR EXISTS (
                SELECT FROM analysis_labelalias alias
                WHERE alias.label_id = named.id AND starts_with(lower(alias.name), lower(said.name))))
            ORDER BY label.image_count DESC LIMIT {MAX_PREFIX_LABELS}) begun
        WHERE how = 'prefix'
    """,
    "category": """
        SELECT place, label.id, label.image_count, label.kind FROM said
        JOIN analysis_label label ON lower(label.category) = lower(said.name)
        WHERE how = 'category' AND NOT label.is_hidden AND label.merged_into_id IS NULL
    """,
}


@dataclass(frozen=True)
class ResolvedQuery(Resolution):
    """A query whose names are resolved."""

    query: Query = field(default_factory=Query)
    """As it is searched: with the labels that its words stand for."""
    meanings: tuple[WordMeaning, ...] = ()
    """What differs from the words as they were typed."""


def resolve(query: Query, *, viewer: Viewer, moment: datetime) -> ResolvedQuery:
    """Look up everything that the terms of a query name."""
    index = known_labels()
    labels, known, image_count, names_state = _labels(_lookups(query), index)
    reading = WordReading(query)
    if may_change(query, known):
        reading = read_words(query, known=known, index=refreshed_index(index, names_state), viewer=viewer)
    if reading.meanings:
        labels, known, image_count, _state = _labels(_lookups(reading.query), index)
    terms = list(dict.fromkeys(_leaves(reading.query)))
    values: dict[Term, Any] = {}
    for kind in dict.fromkeys(type(term) for term in terms):
        values |= kind.resolve_all([term for term in terms if type(term) is kind], viewer)
    return ResolvedQuery(viewer, moment, labels, image_count, values, reading.query, reading.meanings)


def _leaves(query: Query) -> Iterator[Term]:
    return (leaf for part in query.parts for leaf in part.leaves)


def _lookups(query: Query) -> list[LabelLookup]:
    return list(dict.fromkeys(lookup for term in _leaves(query) for lookup in term.lookups))


def _matching_labels(lookups: Sequence[LabelLookup], index: LabelIndex) -> list[tuple[Any, ...]]:
    """Rows of place of the lookup, label id, image count, kind and names state.

    The first has the number of images and the state instead of a label.
    """
    methods = dict.fromkeys(lookup.method for lookup in lookups)
    forms = [
        (place, lookup.method, name, lookup.kind)
        for place, lookup in enumerate(lookups)
        for name in unicode_forms(lookup.name)
    ]
    return fetch_all(
        f"""
        WITH said AS (
            SELECT * FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS said (place, how, name, kind)),
        meant AS ({" UNION ALL ".join(_LOOKUPS[method] for method in methods)})
        SELECT -1 AS place, 0 AS id, (SELECT max(id) FROM analysis_image) AS image_count, '' AS kind,
            {NAMES_STATE} AS names_state
        UNION ALL SELECT *, NULL FROM meant
        UNION ALL
        SELECT place, merged.id, merged.image_count, merged.kind, NULL FROM meant
        JOIN analysis_label merged ON merged.merged_into_id = meant.id AND merged.reindex_cursor IS NOT NULL
        ORDER BY place
        """,
        [*map(list, zip(*forms, strict=True)), *names_state_values(index)],
    )


def _labels(
    lookups: Sequence[LabelLookup], index: LabelIndex
) -> tuple[dict[LabelLookup, LabelSet], KnownNames, int, NamesState]:
    """The labels of each lookup, those it names, and the number of images.

    The number is approximate, and 0 without labels. The state of the names tells whether the index is up to date;
    a query of its own for it would take as long as this one.

    Names and aliases ignore case, and whether their accents are composed. A merged label stands for its target, and is
    searched along with it while images are still being reindexed. Hidden labels match only with their kind.
    """
    if not lookups:
        return {}, KnownNames({}), 0, NamesState(index.newest, is_valid=True)
    [(_, _, total, _, state), *rows] = _matching_labels(lookups, index)
    matches: list[dict[int, tuple[int, str]]] = [{} for _ in lookups]
    for place, pk, number, kind, _state in rows:
        matches[place][pk] = (number, kind)
    found = dict(zip(lookups, matches, strict=True))
    labels = {
        lookup: LabelSet(tuple(sorted(rows)), sum(number for number, _ in rows.values()))
        for lookup, rows in found.items()
    }
    ids = {lookup: labels[lookup].ids for lookup in lookups}
    private = frozenset(lookup for lookup, rows in found.items() if {kind for _, kind in rows.values()} <= PRIVATE)
    return labels, KnownNames(ids, private), total or 0, NamesState.from_row(state)
