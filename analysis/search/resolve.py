"""Resolution of the names in a query: labels, owners, cameras, similar pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
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
from analysis.search.typed_words import InterpretedQuery, KnownNames, WordMeaning, interpret_words, may_change

MAX_PREFIX_LABELS = 1_000
"""Of more labels with a prefix, the most frequent ones are searched."""
PRIVATE = {Label.Kind.TAG, Label.Kind.CELEBRITY}
"""Kinds of labels with names by people, which others must learn only from images that they may see."""

_KIND = f"""
    CASE lookup.kind WHEN '' THEN NOT label.is_hidden WHEN '{TRAIT}' THEN label.kind IN ('face', 'emotion')
    ELSE label.kind = lookup.kind END
"""
# A merged label is replaced by the one it was merged into.
_STANDING = "JOIN analysis_label label ON label.id = coalesce(named.merged_into_id, named.id)"
_LOOKUPS = {
    "name": f"""
        SELECT position, label.id, label.image_count, label.kind FROM lookup
        JOIN analysis_label named ON lower(named.name) = lower(lookup.name) {_STANDING}
        WHERE method = 'name' AND {_KIND}
        UNION
        SELECT position, label.id, label.image_count, label.kind FROM lookup
        JOIN analysis_labelalias alias ON lower(alias.name) = lower(lookup.name)
        JOIN analysis_label named ON named.id = alias.label_id {_STANDING} WHERE method = 'name' AND {_KIND}
    """,
    "prefix": f"""
        SELECT position, prefixed.id, prefixed.image_count, prefixed.kind FROM lookup CROSS JOIN LATERAL (
            SELECT DISTINCT label.id, label.image_count, label.kind FROM analysis_label named {_STANDING}
            WHERE {_KIND} AND (
                starts_with(analysis_folded(named.name), analysis_folded(lookup.name)) OR EXISTS (
                    SELECT FROM analysis_labelalias alias WHERE alias.label_id = named.id
                    AND starts_with(analysis_folded(alias.name), analysis_folded(lookup.name))))
            ORDER BY label.image_count DESC LIMIT {MAX_PREFIX_LABELS}) prefixed
        WHERE method = 'prefix'
    """,
    "category": """
        SELECT position, label.id, label.image_count, label.kind FROM lookup
        JOIN analysis_label label ON lower(label.category) = lower(lookup.name)
        WHERE method = 'category' AND NOT label.is_hidden AND label.merged_into_id IS NULL
    """,
}


@dataclass(frozen=True)
class ResolvedQuery(Resolution):
    """A query whose names are resolved."""

    query: Query = field(default_factory=Query)
    """The query as searched, with the labels that its words stand for."""
    meanings: tuple[WordMeaning, ...] = ()
    """Replacements of the words as typed."""


@dataclass(frozen=True)
class NamedLabels:
    """The labels that some queries name."""

    labels: dict[LabelLookup, LabelSet]
    known: KnownNames
    image_count: int
    """Approximate number of all images; 0 if no query names labels."""
    state: NamesState
    index: LabelIndex

    @cached_property
    def refreshed_index(self) -> LabelIndex:
        """All names, read again if there are new ones: once for all of the queries."""
        return refreshed_index(self.index, self.state)


def named_labels(*queries: Query) -> NamedLabels:
    """Look up the labels of these queries in one statement."""
    index = known_labels()
    lookups = dict.fromkeys(lookup for query in queries for lookup in _lookups(query))
    return NamedLabels(*_labels(list(lookups), index), index)


def resolve(query: Query, *, viewer: Viewer, moment: datetime, names: NamedLabels | None = None) -> ResolvedQuery:
    """Look up everything that the terms of a query name.

    `names`: its labels, if they were looked up together with those of other queries.
    """
    names = names or named_labels(query)
    labels, image_count, interpreted = names.labels, names.image_count, InterpretedQuery(query)
    if may_change(query, names.known):
        interpreted = interpret_words(query, known=names.known, index=names.refreshed_index, viewer=viewer)
    if interpreted.meanings:
        labels, _known, image_count, *_rest = _labels(_lookups(interpreted.query), names.index)
    terms = list(dict.fromkeys(_leaves(interpreted.query)))
    values: dict[Term, Any] = {}
    for kind in dict.fromkeys(type(term) for term in terms):
        values |= kind.resolve_all([term for term in terms if type(term) is kind], viewer)
    return ResolvedQuery(viewer, moment, labels, image_count, values, interpreted.query, interpreted.meanings)


def _leaves(query: Query) -> Iterator[Term]:
    return (leaf for part in query.parts for leaf in part.leaves)


def _lookups(query: Query) -> list[LabelLookup]:
    return list(dict.fromkeys(lookup for term in _leaves(query) for lookup in term.lookups))


def _matching_labels(lookups: Sequence[LabelLookup], index: LabelIndex) -> list[tuple[Any, ...]]:
    """Rows of position of the lookup, label id, image count, kind and names state.

    The first has the number of images and the state instead of a label.
    """
    methods = dict.fromkeys(lookup.method for lookup in lookups)
    forms = [
        (position, lookup.method, name, lookup.kind)
        for position, lookup in enumerate(lookups)
        for name in unicode_forms(lookup.name)
    ]
    return fetch_all(
        f"""
        WITH lookup AS (
            SELECT * FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS list (position, method, name, kind)),
        matched AS ({" UNION ALL ".join(_LOOKUPS[method] for method in methods)})
        SELECT -1 AS position, 0 AS id, (SELECT max(id) FROM analysis_image) AS image_count, '' AS kind,
            {NAMES_STATE} AS names_state
        UNION ALL SELECT *, NULL FROM matched
        UNION ALL
        SELECT position, merged.id, merged.image_count, merged.kind, NULL FROM matched
        JOIN analysis_label merged ON merged.merged_into_id = matched.id AND merged.reindex_cursor IS NOT NULL
        ORDER BY position
        """,
        [*map(list, zip(*forms, strict=True)), *names_state_values(index)],
    )


def _labels(
    lookups: Sequence[LabelLookup], index: LabelIndex
) -> tuple[dict[LabelLookup, LabelSet], KnownNames, int, NamesState]:
    """For each lookup, its labels and the labels it names; and the number of images.

    The number is approximate, and 0 without labels. The state of the names shows whether the index is up to date.

    Names and aliases are compared without regard to case and to the composition of accents. A merged label stands for
    its target; while images are still being reindexed, both are searched. Hidden labels match only with their kind.
    """
    if not lookups:
        return {}, KnownNames({}), 0, NamesState(index.newest, is_valid=True)
    # One query for all, since a separate one for the state would take as long.
    [(_, _, total, _, state), *rows] = _matching_labels(lookups, index)
    matches: list[dict[int, tuple[int, str]]] = [{} for _ in lookups]
    for position, pk, number, kind, _state in rows:
        matches[position][pk] = (number, kind)
    matches_of = dict(zip(lookups, matches, strict=True))
    labels = {
        lookup: LabelSet(tuple(sorted(rows)), sum(number for number, _ in rows.values()))
        for lookup, rows in matches_of.items()
    }
    ids = {lookup: labels[lookup].ids for lookup in lookups}
    private = frozenset(lookup for lookup, rows in matches_of.items() if {kind for _, kind in rows.values()} <= PRIVATE)
    return labels, KnownNames(ids, private), total or 0, NamesState.from_row(state)
