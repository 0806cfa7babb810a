"""The collections that most images of a result are in."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from analysis.models import Collection, CollectionImage, Viewer
from analysis.search import results
from analysis.search.connection import search_alias
from analysis.search.query import Query

SAMPLE = 2_000
"""Images of a result in which collections are counted for the filter."""


@dataclass(frozen=True)
class CollectionFacet:
    """A collection by its name, and the number of images of a result in it."""

    name: str
    images: int


def collection_facets(query: Query, *, viewer: Viewer, maximum: int = 20) -> tuple[list[CollectionFacet], bool]:
    """The most frequent collections that the viewer can open.

    Counted on the first SAMPLE images of the result; True if it has more.
    """
    ids = results.image_ids(query, viewer=viewer, limit=SAMPLE + 1)
    visible = Collection.objects.using(search_alias()).visible_to(viewer)
    entries = CollectionImage.objects.using(search_alias()).filter(image__in=ids[:SAMPLE], collection__in=visible)
    counts = entries.values_list("collection__name").annotate(number=Count("image", distinct=True))
    rows = counts.order_by("-number", "collection__name")[:maximum]
    return [CollectionFacet(name, number) for name, number in rows], len(ids) > SAMPLE
