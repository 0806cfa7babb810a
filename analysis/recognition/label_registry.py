"""Looks up or creates the label rows for the names in responses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection, transaction

from analysis.models import Label, LabelAlias
from analysis.recognition.detected_labels import DetectedLabel
from analysis.recognition.label_ancestors import lock_parents, refresh_ancestors

# Kind and name, cut to the column's length.
Key = tuple[str, str]


class ResolvedLabel(NamedTuple):
    """A label by its name in responses.

    `own`: id of the label of this name. `id`: the label it was merged into, or itself. `threshold`: of `id`, in
    percent.
    """

    own: int
    id: int
    threshold: int


def label_ids(detected: Iterable[DetectedLabel]) -> dict[Key, int]:
    """Ids of the labels that stand for the detected ones, by key."""
    return {key: label.id for key, label in get_or_create_labels(detected).items()}


def get_or_create_labels(detected: Iterable[DetectedLabel]) -> dict[Key, ResolvedLabel]:
    """Labels by key, created where missing.

    Stores ancestors, aliases and categories not seen before.
    """
    by_key = {label.key: label for label in detected}
    # A response may leave a parent out: one filtered by confidence, or all of them.
    for label in list(by_key.values()):
        for parent in label.parents:
            by_key.setdefault((label.kind, parent[:200]), DetectedLabel(label.kind, parent, 0.0))
    resolved = _resolve(by_key)
    # In a fixed order, so that workers that create the same labels do not deadlock.
    missing = [by_key[key] for key in sorted(by_key.keys() - resolved.keys())]
    if missing:
        Label.objects.bulk_create(
            [Label(kind=label.kind, name=label.name[:200], category=label.category[:100]) for label in missing],
            ignore_conflicts=True,
        )
        resolved |= _resolve([label.key for label in missing])
    relations = {_relations(label, resolved[key].own): label for key, label in sorted(by_key.items())}
    unstored = {known: label for known, label in relations.items() if known not in _stored_relations}
    if unstored:
        _store_relations(list(unstored.values()), resolved)
        # Not before the commit, since a rollback would leave them unstored for good.
        transaction.on_commit(lambda: _stored_relations.update(unstored))
    return resolved


# Relations this process knows to be in the database: responses repeat the same ones millions of times.
_stored_relations: set[tuple[object, ...]] = set()


def _relations(label: DetectedLabel, label_id: int) -> tuple[object, ...]:
    # With the id, since a label deleted in the admin is created again as a new row without relations.
    return label_id, label.category, label.parents, label.aliases


def _resolve(keys: Iterable[Key]) -> dict[Key, ResolvedLabel]:
    """Existing labels by key."""
    # Compared by PostgreSQL, whose lower() differs from Python's in some languages.
    distinct = sorted(set(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT detected.kind, detected.name, label.id, target.id, coalesce(target.threshold, 0)
            FROM unnest(%s::text[], %s::text[]) AS detected (kind, name)
            JOIN analysis_label label ON lower(label.name) = lower(detected.name) AND label.kind = detected.kind
            JOIN analysis_label target ON target.id = coalesce(label.merged_into_id, label.id)
            """,
            [[kind for kind, _ in distinct], [name for _, name in distinct]],
        )
        return {(kind, name): ResolvedLabel(*ids) for kind, name, *ids in cursor.fetchall()}


def _store_relations(detected: list[DetectedLabel], resolved: dict[Key, ResolvedLabel]) -> None:
    """Add aliases, parents and categories to labels.

    To the labels of these names, not to those they were merged into.
    """
    aliases = {(alias[:200], resolved[label.key].own) for label in detected for alias in label.aliases}
    LabelAlias.objects.bulk_create(
        [LabelAlias(name=name, label_id=pk) for name, pk in sorted(aliases)], ignore_conflicts=True
    )
    _store_parents(
        {
            (resolved[label.key].own, resolved[label.kind, parent[:200]].own)
            for label in detected
            for parent in label.parents
        }
    )
    for label in detected:
        if label.category:
            Label.objects.filter(pk=resolved[label.key].own, category="").update(category=label.category[:100])


def _store_parents(pairs: set[tuple[int, int]]) -> None:
    """Add (label, parent) pairs, and the ancestors that follow from them."""
    link = Label.parents.through
    stored = link.objects.filter(from_label_id__in={child for child, _ in pairs})
    missing = pairs - set(stored.values_list("from_label_id", "to_label_id"))
    if not missing:
        return
    lock_parents()
    link.objects.bulk_create(
        [link(from_label_id=child, to_label_id=parent) for child, parent in sorted(missing)], ignore_conflicts=True
    )
    refresh_ancestors()
