"""Collection tiles: cover, name and number of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import ngettext

from analysis import formatting
from analysis.curation.collection_tree import Level, previews
from analysis.models import Collection, Image, Viewer
from analysis.search.sensitive import sensitive_ids
from analysis.web import links


@dataclass(frozen=True)
class Tile:
    """A tile; `is_folder` if it is only a common part of the names of collections."""

    name: str
    url: str
    thumb: str
    note: str
    owner: str
    is_shared: bool
    is_blurred: bool
    is_folder: bool = False


def level_tiles(levels: Sequence[Level], viewer: Viewer, *, is_blurring: bool) -> list[Tile]:
    """Tiles of one level of the hierarchy of names."""
    ids = [level.collection_id for level in levels if level.collection_id is not None]
    tiles = dict(zip(ids, collection_tiles(_in_order(ids), viewer, is_blurring=is_blurring), strict=True))
    return [_with_levels(tiles.get(level.collection_id or 0), level) for level in levels]


def collection_tiles(collections: Sequence[Collection], viewer: Viewer, *, is_blurring: bool) -> list[Tile]:
    """Tiles of collections that the viewer can open."""
    previews_by_id = previews(collections, viewer)
    covers = [preview.cover.pk for preview in previews_by_id.values() if preview.cover]
    blurred = sensitive_ids(covers) if is_blurring else frozenset()
    return [
        Tile(
            name=collection.title,
            url=collection.get_absolute_url(),
            thumb=rendition_url(collection, cover, "thumb", viewer) if cover else "",
            note=formatting.pictures(previews_by_id[collection.pk].count),
            owner="" if collection.owner_id == viewer.user_id else str(collection.owner),
            is_shared=collection.is_shared,
            is_blurred=cover is not None and cover.pk in blurred,
        )
        for collection in collections
        for cover in [previews_by_id[collection.pk].cover]
    ]


def rendition_url(collection: Collection, image: Image, name: str, viewer: Viewer) -> str:
    """The rendition's own URL if the viewer sees the picture, else the collection's."""
    if sees_without_collection(image, viewer):
        return links.rendition_url(image, name)
    return reverse("collection-rendition", args=[collection.pk, image.pk, name])


def sees_without_collection(image: Image, viewer: Viewer) -> bool:
    """True if the viewer may see the picture even without the collection."""
    return image.owner_id == viewer.user_id or image.visibility >= viewer.min_visibility


def _in_order(ids: Sequence[int]) -> list[Collection]:
    by_id = Collection.objects.select_related("owner").in_bulk(ids)
    return [by_id[pk] for pk in ids]


def _with_levels(tile: Tile | None, level: Level) -> Tile:
    """The tile with the number of collections below it; a folder's if there is none."""
    if tile is None:
        return _folder(level)
    return replace(tile, note=f"{tile.note} · {_number_below(level)}") if level.below else tile


def _folder(level: Level) -> Tile:
    return Tile(
        name=level.name,
        url=links.with_parameters(reverse("collections"), **{"in": level.path}),
        thumb="",
        note=_number_below(level),
        owner="",
        is_shared=False,
        is_blurred=False,
        is_folder=True,
    )


def _number_below(level: Level) -> str:
    text = ngettext("%(number)s collection", "%(number)s collections", level.below)
    return formatting.plural(text, level.below)
