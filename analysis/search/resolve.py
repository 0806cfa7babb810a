"""A query with its names looked up: what it means to one viewer at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model

from analysis.models import Image, Viewer
from analysis.search.query import FieldTerm, Leaf, Query, SimilarTerm, leaves
from analysis.search.resolve_labels import LabelSet, resolve_labels
from analysis.search.sql.expressions import fetch_all

FEW_OWNED = 5_000
"""So many pictures of one person are looked at one by one rather than found among everybody's."""


@dataclass(frozen=True)
class Owner:
    """`number`: of their pictures, up to one more than FEW_OWNED."""

    id: int
    number: int

    @property
    def has_few(self) -> bool:
        return self.number <= FEW_OWNED


@dataclass(frozen=True)
class ResolvedQuery:
    """A query with its names looked up, for one viewer at one moment."""

    query: Query
    viewer: Viewer
    moment: datetime
    labels: dict[Leaf, LabelSet]
    owners: dict[str, Owner]
    pictures: int
    """About how many there are, where labels are asked for."""
    hashes: dict[int, int | None]
    """Perceptual hashes of the pictures that `like:` names, as far as they may be seen."""

    def of(self, leaf: Leaf) -> LabelSet:
        return self.labels.get(leaf, LabelSet())


def resolve(query: Query, *, viewer: Viewer, moment: datetime) -> ResolvedQuery:
    """Look up whatever a query names: labels in one statement, people and pictures only where it names any."""
    every = [leaf for part in query.parts for leaf in leaves(part)]
    labels, pictures = resolve_labels(every)
    return ResolvedQuery(
        query,
        viewer,
        moment,
        labels=labels,
        owners=_owners(every, viewer),
        pictures=pictures,
        hashes=_hashes(every, viewer),
    )


def _owners(every: list[Leaf], viewer: Viewer) -> dict[str, Owner]:
    """The people named, by their names as written: exactly so where there is one, else whatever the case of letters.

    "me" is who asks.
    """
    names = {leaf.text for leaf in every if isinstance(leaf, FieldTerm) and leaf.field == "owner"}
    if not names:
        return {}
    people = get_user_model()._meta
    rows = fetch_all(
        f"""
        SELECT person.username, person.id, (
            SELECT count(*) FROM (SELECT FROM analysis_image i
                WHERE i.owner_id = person.id AND i.trashed_at IS NULL LIMIT {FEW_OWNED + 1}) owned)
        FROM {people.db_table} person WHERE lower(person.username) = ANY(%s) OR person.id = %s
        ORDER BY person.id DESC
        """,  # noqa: S608
        [[name.lower() for name in names], viewer.person_id],
    )
    exactly = {name: Owner(pk, owned) for name, pk, owned in rows}
    alike = {name.lower(): owner for name, owner in exactly.items()}
    me = next((owner for owner in exactly.values() if owner.id == viewer.person_id), None)
    found = {name: me if name.lower() == "me" else exactly.get(name) or alike.get(name.lower()) for name in names}
    return {name: owner for name, owner in found.items() if owner}


def _hashes(every: list[Leaf], viewer: Viewer) -> dict[int, int | None]:
    ids = [leaf.image_id for leaf in every if isinstance(leaf, SimilarTerm)]
    return dict(Image.objects.visible_to(viewer).filter(pk__in=ids).values_list("pk", "phash")) if ids else {}
