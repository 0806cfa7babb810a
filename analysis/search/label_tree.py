"""The tree of labels: parents and children without the levels between them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, product

from analysis.models import LabelAncestor
from analysis.search.database import fetch_all

# Labels in a cycle are above and below each other, so none of them is strictly between others or above a root.
_ABOVE = """
    EXISTS (SELECT FROM analysis_labelancestor pair WHERE (pair.label_id, pair.ancestor_id) = ({0}, {1})) AND
    NOT EXISTS (SELECT FROM analysis_labelancestor pair WHERE (pair.label_id, pair.ancestor_id) = ({1}, {0}))
"""
_CHILDREN = f"""
    SELECT child.label_id FROM analysis_labelancestor child
    WHERE child.ancestor_id = %s AND NOT EXISTS (
        SELECT FROM analysis_labelancestor middle WHERE middle.label_id = child.label_id
        AND {_ABOVE.format("middle.label_id", "middle.ancestor_id")}
        AND {_ABOVE.format("middle.ancestor_id", "child.ancestor_id")})
"""
_ROOTS = f"""
    SELECT DISTINCT root.ancestor_id FROM analysis_labelancestor root
    WHERE NOT EXISTS (
        SELECT FROM analysis_labelancestor higher WHERE higher.label_id = root.ancestor_id
        AND {_ABOVE.format("higher.label_id", "higher.ancestor_id")})
"""
# Without a threshold, an image lacks the ancestor of one of its labels only where a person rejected it. Not certain
# while images are being reindexed.
_IMPLIED = """
    SELECT pair.label_id, pair.ancestor_id FROM analysis_labelancestor pair
    JOIN analysis_label label ON label.id = pair.label_id
    JOIN analysis_label ancestor ON ancestor.id = pair.ancestor_id
    WHERE pair.label_id = ANY(%s) AND pair.ancestor_id = ANY(%s) AND coalesce(ancestor.threshold, 0) = 0
      AND label.ancestors_cursor IS NULL AND label.reindex_cursor IS NULL AND ancestor.reindex_cursor IS NULL
"""
_REJECTED = """
    SELECT verdict.image_id FROM analysis_label label JOIN analysis_verdict verdict ON verdict.label_id = label.id
    WHERE (label.id = ANY(%s) OR label.merged_into_id = ANY(%s)) AND verdict.decision = 'rejected' LIMIT %s
"""
_PATH = """
    SELECT own.ancestor_id FROM analysis_labelancestor own
    LEFT JOIN analysis_labelancestor above ON above.label_id = own.ancestor_id
    WHERE own.label_id = %s GROUP BY own.ancestor_id ORDER BY count(above.ancestor_id), own.ancestor_id
"""


def child_ids(label_id: int) -> list[int]:
    """The labels directly below a label."""
    return [pk for (pk,) in fetch_all(_CHILDREN, [label_id])]


def root_ids() -> list[int]:
    """The labels with others below them and none above."""
    return [pk for (pk,) in fetch_all(_ROOTS)]


def path_to(label_id: int) -> list[int]:
    """All labels above a label, the most general first."""
    return [pk for (pk,) in fetch_all(_PATH, [label_id])]


def ids_with_descendants(label_ids: Collection[int], *, among: Collection[int] | None = None) -> set[int]:
    """The labels, of those given, that have another one (of `among`) below them."""
    below = LabelAncestor.objects.filter(ancestor__in=label_ids)
    if among is not None:
        below = below.filter(label__in=among)
    return set(below.values_list("ancestor_id", flat=True).distinct())


def ancestor_names(names: Collection[str]) -> dict[str, set[str]]:
    """For each name of a recognizer's label, the names (of those given) above it."""
    rows = LabelAncestor.objects.filter(
        label__kind="label", label__name__in=names, ancestor__kind="label", ancestor__name__in=names
    )
    ancestors: dict[str, set[str]] = {}
    for name, ancestor in rows.values_list("label__name", "ancestor__name"):
        ancestors.setdefault(name, set()).add(ancestor)
    return ancestors


def images_without_ancestor(
    required: Sequence[Collection[int]], excluded: Sequence[Collection[int]], *, maximum: int
) -> list[int] | None:
    """The images with a label of each required group, but no excluded one above it.

    As an image has the ancestors of its labels, only an image on which a person rejected one can match
    (`kitten -animal`), and not all of these do. None if no excluded group is above a required one, or for more than
    `maximum` images.
    """
    label_ids, ancestor_ids = list(chain(*required)), list(chain(*excluded))
    implied = set(fetch_all(_IMPLIED, [label_ids, ancestor_ids])) if label_ids and ancestor_ids else set()
    for labels, ancestors in product(required, excluded) if implied else ():
        if all(any((label, ancestor) in implied for ancestor in ancestors) for label in labels):
            rows = fetch_all(_REJECTED, [list(ancestors), list(ancestors), maximum + 1])
            return [image_id for (image_id,) in rows] if len(rows) <= maximum else None
    return None
