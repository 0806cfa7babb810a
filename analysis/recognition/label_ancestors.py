"""The ancestors of labels: a search for a label also finds its descendants."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db import connection

from analysis.models import Label, LabelAncestor

LOCK = 7_160_423
"""Key of the advisory lock for changes of parents, an arbitrary number that nothing else uses."""

# UNION, unlike UNION ALL, ends the recursion where the parents form a cycle.
_REFRESH = """
    WITH RECURSIVE edge AS (
        SELECT coalesce(child.merged_into_id, child.id) AS label_id,
               coalesce(parent.merged_into_id, parent.id) AS parent_id
        FROM analysis_label_parents link
        JOIN analysis_label child ON child.id = link.from_label_id
        JOIN analysis_label parent ON parent.id = link.to_label_id),
    closure (label_id, ancestor_id) AS (
        SELECT label_id, parent_id FROM edge
        UNION
        SELECT closure.label_id, edge.parent_id FROM closure JOIN edge ON edge.label_id = closure.ancestor_id),
    present AS (SELECT * FROM closure WHERE label_id <> ancestor_id),
    removed AS (
        DELETE FROM analysis_labelancestor old WHERE NOT EXISTS (
            SELECT FROM present WHERE (present.label_id, present.ancestor_id) = (old.label_id, old.ancestor_id))
        RETURNING label_id),
    added AS (
        INSERT INTO analysis_labelancestor (label_id, ancestor_id)
        SELECT label_id, ancestor_id FROM present ON CONFLICT DO NOTHING RETURNING label_id)
    SELECT label_id, false FROM added UNION SELECT label_id, true FROM removed
"""
# A tag has the ancestors of the recognizer's label of the same name: people and the keywords of files tag a sedan as
# "sedan", too.
_MEANT = """
    SELECT named.id AS label_id, own.ancestor_id
    FROM analysis_label named JOIN analysis_labelancestor own ON own.label_id = named.id
    WHERE named.id = ANY(%(ids)s)
    UNION
    SELECT tag.id, own.ancestor_id
    FROM analysis_label tag
    JOIN analysis_label named ON lower(named.name) = lower(tag.name) AND named.kind = 'label'
    JOIN analysis_labelancestor own ON own.label_id = coalesce(named.merged_into_id, named.id)
    WHERE tag.id = ANY(%(ids)s) AND tag.kind = 'tag'
"""


class Ancestor(NamedTuple):
    """An ancestor of a label; ignored below `threshold`, a confidence in percent."""

    id: int
    threshold: int


def lock_parents() -> None:
    """Lock the parents and merges of labels until the end of the transaction.

    Without it, two concurrent refreshes could each miss the parents that the other one added.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def refresh_ancestors() -> None:
    """Update LabelAncestor from the parents, and mark labels to be reindexed.

    Call it after `lock_parents` and the change, in one transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH)
        rows = cursor.fetchall()
    # A label that lost an ancestor has all of its images reindexed; images that lack a new one are found by a query.
    lost = {label_id for label_id, is_removed in rows if is_removed}
    Label.objects.filter(pk__in=lost).update(reindex_cursor=0)
    Label.objects.filter(pk__in={label_id for label_id, _ in rows} - lost).update(ancestors_cursor=0)


def reindex_descendants(label_id: int) -> None:
    """Mark the labels below a label to be reindexed, as its threshold was lowered.

    Their images may get the label, whether or not a response names it.
    """
    below = LabelAncestor.objects.filter(ancestor=label_id).values("label")
    Label.objects.filter(pk__in=below).update(ancestors_cursor=0)


def ancestors_of(label_ids: Iterable[int]) -> dict[int, list[Ancestor]]:
    """The ancestors by label id; labels without any are left out."""
    ids = sorted(set(label_ids))
    ancestors: dict[int, list[Ancestor]] = {}
    if not ids:
        return ancestors
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT meant.label_id, label.id, coalesce(label.threshold, 0)
            FROM ({_MEANT}) meant JOIN analysis_label label ON label.id = meant.ancestor_id
            ORDER BY 1, 2
            """,  # noqa: S608
            {"ids": ids},
        )
        for label_id, *ancestor in cursor.fetchall():
            ancestors.setdefault(label_id, []).append(Ancestor(*ancestor))
    return ancestors


def images_with_descendant(image_ids: Collection[int], label_id: int) -> set[int]:
    """The images, of those given, that have a descendant of this label."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT carried.image_id FROM analysis_imagelabel carried
            JOIN analysis_label named ON named.id = carried.label_id
            LEFT JOIN analysis_label meant
                   ON named.kind = 'tag' AND meant.kind = 'label' AND lower(meant.name) = lower(named.name)
            JOIN analysis_labelancestor own
              ON own.label_id IN (carried.label_id, coalesce(meant.merged_into_id, meant.id))
             AND own.ancestor_id = %s
            WHERE carried.image_id = ANY(%s)
            """,
            [label_id, list(image_ids)],
        )
        return {pk for (pk,) in cursor.fetchall()}
