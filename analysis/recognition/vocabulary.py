"""The labels behind the words of answers: found, or made when a word is met for the first time."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from analysis.models import Label, LabelAlias
from analysis.recognition.words import Word

Key = tuple[str, str]
"""Kind and name as said, cut to the column's length."""


def label_ids(words: Iterable[Word]) -> dict[Key, int]:
    """The labels' ids by key; names never met before become labels, with their ancestors and aliases."""
    by_key = {word.key: word for word in words}
    known = _known(by_key)
    # Sorted, so that two workers meeting the same new words wait for one another instead of deadlocking.
    new = [by_key[key] for key in sorted(by_key.keys() - known.keys())]
    if not new:
        return known
    Label.objects.bulk_create(
        [Label(kind=word.kind, name=word.name[:200], category=word.category[:100]) for word in new],
        ignore_conflicts=True,
    )
    known |= _known([word.key for word in new])
    _relate(new, known)
    return known


def _known(keys: Iterable[Key]) -> dict[Key, int]:
    """Python and PostgreSQL do not agree on lower case in every language, so only PostgreSQL is asked."""
    wanted = sorted(set(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT said.kind, said.name, label.id FROM unnest(%s::text[], %s::text[]) AS said (kind, name)
            JOIN analysis_label label ON lower(label.name) = lower(said.name) AND label.kind = said.kind
            """,
            [[kind for kind, _ in wanted], [name for _, name in wanted]],
        )
        return {(kind, name): pk for kind, name, pk in cursor.fetchall()}


def _relate(words: list[Word], known: dict[Key, int]) -> None:
    aliases = [LabelAlias(name=alias[:200], label_id=known[word.key]) for word in words for alias in word.aliases]
    LabelAlias.objects.bulk_create(aliases, ignore_conflicts=True)
    parents = _known((word.kind, parent[:200]) for word in words for parent in word.parents)
    link = Label.parents.through
    link.objects.bulk_create(
        [
            link(from_label_id=known[word.key], to_label_id=parents[word.kind, parent[:200]])
            for word in words
            for parent in word.parents
            if (word.kind, parent[:200]) in parents
        ],
        ignore_conflicts=True,
    )
