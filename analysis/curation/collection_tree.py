"""Collections by the levels of their names, with counts and covers for a viewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from analysis.models import Collection, CollectionImage, Image, Viewer


@dataclass(frozen=True)
class Level:
    """One name at a level: a collection, or only a level of other collections' names."""

    name: str
    path: str
    collection_id: int | None
    below: int
    """Collections further down."""


@dataclass(frozen=True)
class Preview:
    """The number of pictures and the cover that a viewer sees."""

    count: int
    cover: Image | None


def levels(collections: Iterable[tuple[int, str]], *, below: str = "") -> list[Level]:
    """The names one level below a path, from pairs of id and name; case is ignored."""
    prefix = f"{below}/".lower() if below else ""
    by_name: dict[str, Level] = {}
    for pk, name in sorted(collections, key=lambda pair: pair[1].lower()):
        if not name.lower().startswith(prefix):
            continue
        first, slash, _rest = name[len(prefix) :].partition("/")
        path = name[: len(prefix)] + first
        level = by_name.get(path.lower(), Level(first, path, None, 0))
        by_name[path.lower()] = (
            Level(level.name, level.path, level.collection_id, level.below + 1)
            if slash
            else Level(first, path, pk, level.below)
        )
    return sorted(by_name.values(), key=lambda level: level.name.lower())


def previews(collections: Sequence[Collection], viewer: Viewer) -> dict[int, Preview]:
    """Counts and covers of collections that the viewer can open, by id.

    The cover is the chosen one if the viewer sees it, else the first picture.
    """
    ids = [collection.pk for collection in collections]
    entries = _visible_entries(viewer)
    rows = entries.filter(collection__in=ids).values_list("collection_id").annotate(number=Count("pk"))
    counts = dict(rows.order_by())
    in_this = entries.filter(collection=OuterRef("pk"))
    first = in_this.order_by("position", "image_id").values("image_id")[:1]
    chosen = in_this.filter(image_id=OuterRef("cover_id")).values("image_id")[:1]
    covers = Collection.objects.filter(pk__in=ids).annotate(first=Subquery(first), chosen=Subquery(chosen))
    cover_ids = {pk: chosen or first for pk, first, chosen in covers.values_list("pk", "first", "chosen")}
    images = Image.objects.in_bulk({image_id for image_id in cover_ids.values() if image_id})
    return {pk: Preview(counts.get(pk, 0), images.get(cover_ids.get(pk))) for pk in ids}


def _visible_entries(viewer: Viewer) -> QuerySet[CollectionImage]:
    """`permissions.collections.visible_entries` of many collections at once."""
    through = Q(collection__shares_private=True, added_by_id=F("image__owner_id"))
    return CollectionImage.objects.filter(viewer.visible_filter("image__") | through, image__trashed_at=None)
