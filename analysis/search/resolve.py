"""Names in a query resolved to ids: labels, owners and similar pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model

from analysis.models import Image, Label, Viewer
from analysis.search.database import fetch_all
from analysis.search.nodes import CategoryTerm, CountTerm, FaceTerm, FieldTerm, LabelTerm, Leaf, SimilarTerm
from analysis.search.query import Query, leaves

SMALL_OWNER = 5_000
"""Up to this many images of one owner, reading all of them is cheaper than an index over everyone's."""
MAX_PREFIX_LABELS = 1_000
"""Of more labels with a prefix, the most frequent ones are searched."""
TRAIT = "trait"
"""Stands for two kinds of label, face and emotion: what `face(...)` names."""

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
    """,  # noqa: S608
    "prefix": f"""
        SELECT place, begun.id, begun.image_count FROM said CROSS JOIN LATERAL (
            SELECT DISTINCT label.id, label.image_count FROM analysis_label named {_STANDING}
            WHERE {_KIND} AND (starts_with(lower(named.name), lower(said.name)) OR EXISTS (
                SELECT FROM analysis_labelalias alias
                WHERE alias.label_id = named.id AND starts_with(lower(alias.name), lower(said.name))))
            ORDER BY label.image_count DESC LIMIT {MAX_PREFIX_LABELS}) begun
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
    """The labels that a term matches, and at most how many images have any of them."""

    ids: tuple[int, ...] = ()
    image_count: int = 0


@dataclass(frozen=True)
class Owner:
    """A user and the number of their images, counted to one more than SMALL_OWNER."""

    id: int
    image_count: int

    @property
    def has_few(self) -> bool:
        return self.image_count <= SMALL_OWNER


@dataclass(frozen=True)
class ResolvedQuery:
    """A query with its names resolved, for one viewer at one moment."""

    query: Query
    viewer: Viewer
    moment: datetime
    labels: dict[Leaf, LabelSet]
    owners: dict[str, Owner]
    image_count: int
    """About how many images there are; 0 if no part names labels."""
    hashes: dict[int, int | None]
    """Perceptual hashes of the images in `like:`, by id; only of those the viewer may see."""

    def label_set(self, leaf: Leaf) -> LabelSet:
        return self.labels.get(leaf, LabelSet())


def resolve(query: Query, *, viewer: Viewer, moment: datetime) -> ResolvedQuery:
    """Look up the labels, owners and similar images that a query names."""
    all_leaves = [leaf for part in query.parts for leaf in leaves(part)]
    labels, image_count = resolve_labels(all_leaves)
    return ResolvedQuery(
        query,
        viewer,
        moment,
        labels=labels,
        owners=_owners(all_leaves, viewer),
        image_count=image_count,
        hashes=_hashes(all_leaves, viewer),
    )


def resolve_labels(leaves: Iterable[Leaf]) -> tuple[dict[Leaf, LabelSet], int]:
    """The labels of each leaf, and about how many images there are (0 without labels).

    Names and aliases ignore case. A merged label stands for its target, and is searched along with it while images
    are still being reindexed. Hidden labels match only with their kind.
    """
    labels: list[Leaf] = []
    for leaf in leaves:
        labels += traits_of(leaf) if isinstance(leaf, FaceTerm) else [leaf]
    lookups = {leaf: lookup for leaf in dict.fromkeys(labels) if (lookup := _lookup(leaf))}
    if not lookups:
        return {}, 0
    matches: dict[Leaf, list[tuple[int, int]]] = {leaf: [] for leaf in lookups}
    methods = dict.fromkeys(method for method, _name, _kind in lookups.values())
    rows = fetch_all(
        f"""
        WITH said AS (
            SELECT number - 1 AS place, how, name, kind
            FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS said (how, name, kind, number)),
        meant AS ({" UNION ALL ".join(_LOOKUPS[method] for method in methods)})
        SELECT * FROM meant
        UNION ALL
        SELECT place, merged.id, merged.image_count FROM meant
        JOIN analysis_label merged ON merged.merged_into_id = meant.id AND merged.reindex_cursor IS NOT NULL
        UNION ALL SELECT -1, 0, (SELECT max(id) FROM analysis_image)
        """,  # noqa: S608
        [list(column) for column in zip(*lookups.values(), strict=True)],
    )
    leaf_at, total = list(lookups), 0
    for index, pk, number in rows:
        if index < 0:
            total = number or 0
        else:
            matches[leaf_at[index]].append((pk, number))
    return {leaf: _label_set(counts) for leaf, counts in matches.items()}, total


def traits_of(leaf: FaceTerm) -> tuple[LabelTerm, ...]:
    """The labels that an image has if one of its faces has these traits and emotions."""
    return tuple(LabelTerm(trait, kind=TRAIT) for trait in leaf.traits)


def _label_set(counts: list[tuple[int, int]]) -> LabelSet:
    return LabelSet(tuple(sorted(pk for pk, _ in counts)), sum(count for _, count in counts))


def _lookup(leaf: Leaf) -> tuple[str, str, str] | None:
    """The key in _LOOKUPS, the name and the kind of label."""
    match leaf:
        case CategoryTerm(name):
            return "category", name, ""
        case CountTerm(name):
            return "name", name, Label.Kind.LABEL
        case LabelTerm(name, kind, _, is_prefix):
            return ("prefix" if is_prefix else "name"), name, kind
    return None


def _owners(all_leaves: list[Leaf], viewer: Viewer) -> dict[str, Owner]:
    """Users by name: an exact match, else one ignoring case; "me" is the viewer."""
    names = {leaf.text for leaf in all_leaves if isinstance(leaf, FieldTerm) and leaf.field == "owner"}
    if not names:
        return {}
    table = get_user_model()._meta.db_table
    rows = fetch_all(
        f"""
        SELECT person.username, person.id, (
            SELECT count(*) FROM (SELECT FROM analysis_image i
                WHERE i.owner_id = person.id AND i.trashed_at IS NULL LIMIT {SMALL_OWNER + 1}) owned)
        FROM {table} person WHERE lower(person.username) = ANY(%s) OR person.id = %s
        ORDER BY person.id DESC
        """,  # noqa: S608
        [[name.lower() for name in names], viewer.person_id],
    )
    # Ordered by descending id, so the oldest account wins among names that differ only in case.
    by_name = {name: Owner(pk, image_count) for name, pk, image_count in rows}
    by_lower_name = {name.lower(): owner for name, owner in by_name.items()}
    me = next((owner for owner in by_name.values() if owner.id == viewer.person_id), None)
    owners = {
        name: me if name.lower() == "me" else by_name.get(name) or by_lower_name.get(name.lower()) for name in names
    }
    return {name: owner for name, owner in owners.items() if owner}


def _hashes(all_leaves: list[Leaf], viewer: Viewer) -> dict[int, int | None]:
    ids = [leaf.image_id for leaf in all_leaves if isinstance(leaf, SimilarTerm)]
    return dict(Image.objects.visible_to(viewer).filter(pk__in=ids).values_list("pk", "phash")) if ids else {}
