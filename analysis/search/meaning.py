"""A query with its names looked up: what it means to one audience at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model

from analysis.models import Audience, Image
from analysis.search.names import Labels, labels_of
from analysis.search.tree import Leaf, Like, Matches, Query, leaves


@dataclass(frozen=True)
class Meaning:
    """A query with its names looked up, for one audience at one moment."""

    query: Query
    audience: Audience
    moment: datetime
    labels: dict[Leaf, Labels]
    owners: dict[str, int]
    hashes: dict[int, int | None]
    """Perceptual hashes of the pictures that `like:` names, as far as they may be seen."""

    def of(self, leaf: Leaf) -> Labels:
        return self.labels.get(leaf, Labels())


def meaning_of(query: Query, *, audience: Audience, moment: datetime) -> Meaning:
    """Look up whatever a query names: labels in one statement, people and pictures only where it names any."""
    every = [leaf for part in query.parts for leaf in leaves(part)]
    return Meaning(query, audience, moment, labels_of(every), _owners(every, audience), _hashes(every, audience))


def _owners(every: list[Leaf], audience: Audience) -> dict[str, int]:
    """People's ids by their names in lower case; "me" is who asks."""
    names = {leaf.text.lower() for leaf in every if isinstance(leaf, Matches) and leaf.field == "owner"}
    if not names:
        return {}
    people = get_user_model()._default_manager.extra(where=["lower(username) = ANY(%s)"], params=[list(names)])
    found = {username.lower(): pk for pk, username in people.values_list("pk", "username")}
    return found | ({"me": audience.person_id} if audience.person_id else {})


def _hashes(every: list[Leaf], audience: Audience) -> dict[int, int | None]:
    ids = [leaf.image_id for leaf in every if isinstance(leaf, Like)]
    return dict(Image.objects.visible_to(audience).filter(pk__in=ids).values_list("pk", "phash")) if ids else {}
