"""The labels that a query's words mean: one look into the database for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.models import Label
from analysis.search.query import CategoryTerm, CountTerm, FaceTerm, LabelTerm, Leaf
from analysis.search.sql.expressions import fetch_all

MOST_OF_PREFIX = 1_000
"""A prefix that more labels share means the most frequent of them."""
TRAIT = "trait"
"""Not a label's kind, but two of them: what faces show."""

_KIND = f"""
    CASE said.kind WHEN '' THEN NOT label.is_hidden WHEN '{TRAIT}' THEN label.kind IN ('face', 'emotion')
    ELSE label.kind = said.kind END
"""
_STANDING = "JOIN analysis_label label ON label.id = coalesce(named.merged_into_id, named.id)"
"""The label that stands for the one that was named."""
_WAYS = {
    "name": f"""
        SELECT place, label.id, label.image_count FROM said
        JOIN analysis_label named ON lower(named.name) = lower(said.name) {_STANDING} WHERE how = 'name' AND {_KIND}
        UNION
        SELECT place, label.id, label.image_count FROM said
        JOIN analysis_labelalias alias ON lower(alias.name) = lower(said.name)
        JOIN analysis_label named ON named.id = alias.label_id {_STANDING} WHERE how = 'name' AND {_KIND}
    """,  # noqa: S608
    "prefix": f"""
        SELECT place, begun.id, begun.image_count FROM said CROSS JOIN LATERAL (
            SELECT DISTINCT label.id, label.image_count FROM analysis_label named {_STANDING}
            WHERE {_KIND} AND (starts_with(lower(named.name), lower(said.name)) OR EXISTS (
                SELECT FROM analysis_labelalias alias
                WHERE alias.label_id = named.id AND starts_with(lower(alias.name), lower(said.name))))
            ORDER BY label.image_count DESC LIMIT {MOST_OF_PREFIX}) begun
        WHERE how = 'prefix'
    """,  # noqa: S608
    "category": """
        SELECT place, label.id, label.image_count FROM said
        JOIN analysis_label label ON lower(label.category) = lower(said.name)
        WHERE how = 'category' AND NOT label.is_hidden AND label.merged_into_id IS NULL
    """,
}


@dataclass(frozen=True)
class LabelSet:
    """The labels that a word means, of which a picture must carry one; how many pictures carry any, at most."""

    ids: tuple[int, ...] = ()
    image_count: int = 0


def resolve_labels(leaves: Iterable[Leaf]) -> tuple[dict[Leaf, LabelSet], int]:
    """For each leaf that names labels, those it means; and about how many pictures there are, if any does.

    Names and aliases are the same whatever their case. A label that was merged into another means that one; and is
    meant with it as long as some pictures still carry it. Hidden labels are meant only by whoever names their kind.
    """
    wanted: list[Leaf] = []
    for leaf in leaves:
        wanted += traits_of(leaf) if isinstance(leaf, FaceTerm) else [leaf]
    asked = {leaf: question for leaf in dict.fromkeys(wanted) if (question := _question(leaf))}
    found: dict[Leaf, list[tuple[int, int]]] = {leaf: [] for leaf in asked}
    if not asked:
        return {}, 0
    ways = dict.fromkeys(how for how, _, _ in asked.values())
    rows = fetch_all(
        f"""
        WITH said AS (
            SELECT number - 1 AS place, how, name, kind
            FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS said (how, name, kind, number)),
        meant AS ({" UNION ALL ".join(_WAYS[how] for how in ways)})
        SELECT * FROM meant
        UNION ALL
        SELECT place, merged.id, merged.image_count FROM meant
        JOIN analysis_label merged ON merged.merged_into_id = meant.id AND merged.reindex_cursor IS NOT NULL
        UNION ALL SELECT -1, 0, (SELECT max(id) FROM analysis_image)
        """,  # noqa: S608
        [list(column) for column in zip(*asked.values(), strict=True)],
    )
    leaf_at, pictures = list(asked), 0
    for place, pk, number in rows:
        if place < 0:
            pictures = number or 0
        else:
            found[leaf_at[place]].append((pk, number))
    return {
        leaf: LabelSet(tuple(sorted(pk for pk, _ in rows)), sum(count for _, count in rows))
        for leaf, rows in found.items()
    }, pictures


def traits_of(leaf: FaceTerm) -> tuple[LabelTerm, ...]:
    """What a picture must carry as a whole where one of its faces has all of this."""
    return tuple(LabelTerm(trait, kind=TRAIT) for trait in leaf.traits)


def _question(leaf: Leaf) -> tuple[str, str, str] | None:
    """How to look, for which name, of which kind."""
    match leaf:
        case CategoryTerm(name):
            return "category", name, ""
        case CountTerm(name):
            return "name", name, Label.Kind.LABEL
        case LabelTerm(name, kind, _, is_prefix):
            return ("prefix" if is_prefix else "name"), name, kind
    return None
