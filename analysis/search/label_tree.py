"""The tree of labels: parents and children without the levels between them."""

from __future__ import annotations

from collections.abc import Collection

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
