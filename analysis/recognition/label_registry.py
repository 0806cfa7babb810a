"""The labels behind the words of answers: found, or made when a word is met for the first time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection, transaction

from analysis.models import Label, LabelAlias
from analysis.recognition.detected_labels import DetectedLabel

Key = tuple[str, str]
"""Kind and name as said, cut to the column's length."""


class ResolvedLabel(NamedTuple):
    """A word's own label, the one that stands for it (itself unless people merged it), and from what percent on."""

    own: int
    id: int
    threshold: int


def label_ids(words: Iterable[DetectedLabel]) -> dict[Key, int]:
    """The ids of the labels that stand for words, by key."""
    return {key: known.id for key, known in get_or_create_labels(words).items()}


def get_or_create_labels(words: Iterable[DetectedLabel]) -> dict[Key, ResolvedLabel]:
    """The labels by key; names never met before become labels. Ancestors, aliases and categories are learned."""
    by_key = {word.key: word for word in words}
    known = _known(by_key)
    # Sorted, so that two workers meeting the same new words wait for one another instead of deadlocking.
    new = [by_key[key] for key in sorted(by_key.keys() - known.keys())]
    if new:
        Label.objects.bulk_create(
            [Label(kind=word.kind, name=word.name[:200], category=word.category[:100]) for word in new],
            ignore_conflicts=True,
        )
        known |= _known([word.key for word in new])
    untold = {_relations(word): by_key[key] for key, word in sorted(by_key.items()) if _relations(word) not in _learned}
    if untold:
        _relate(list(untold.values()), known)
        transaction.on_commit(lambda: _learned.update(untold))
    return known


_learned: set[tuple[object, ...]] = set()
"""What this process has seen written down already: answers repeat it millions of times."""


def _relations(word: DetectedLabel) -> tuple[object, ...]:
    return word.key, word.category, word.parents, word.aliases


def _known(keys: Iterable[Key]) -> dict[Key, ResolvedLabel]:
    """Python and PostgreSQL do not agree on lower case in every language, so only PostgreSQL is asked."""
    wanted = sorted(set(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT said.kind, said.name, label.id, standing.id, coalesce(standing.threshold, 0)
            FROM unnest(%s::text[], %s::text[]) AS said (kind, name)
            JOIN analysis_label label ON lower(label.name) = lower(said.name) AND label.kind = said.kind
            JOIN analysis_label standing ON standing.id = coalesce(label.merged_into_id, label.id)
            """,
            [[kind for kind, _ in wanted], [name for _, name in wanted]],
        )
        return {(kind, name): ResolvedLabel(*found) for kind, name, *found in cursor.fetchall()}


def _relate(words: list[DetectedLabel], known: dict[Key, ResolvedLabel]) -> None:
    """Written down of a word's own label, so that nothing is lost when it stands for itself again."""
    aliases = {(alias[:200], known[word.key].own) for word in words for alias in word.aliases}
    LabelAlias.objects.bulk_create(
        [LabelAlias(name=name, label_id=pk) for name, pk in sorted(aliases)], ignore_conflicts=True
    )
    parents = _known((word.kind, parent[:200]) for word in words for parent in word.parents)
    pairs = {
        (known[word.key].own, parents[word.kind, parent[:200]].own)
        for word in words
        for parent in word.parents
        if (word.kind, parent[:200]) in parents
    }
    link = Label.parents.through
    link.objects.bulk_create(
        [link(from_label_id=child, to_label_id=parent) for child, parent in sorted(pairs)], ignore_conflicts=True
    )
    for word in words:
        if word.category:
            Label.objects.filter(pk=known[word.key].own, category="").update(category=word.category[:100])
