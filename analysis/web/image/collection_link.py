"""The collection that a picture was opened from: neighbors, and the link back."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404
from django.urls import reverse

from analysis import formatting, permissions
from analysis.models import Collection, Image
from analysis.permissions import collections as rights
from analysis.web import links
from analysis.web.collections.tiles import rendition_url, sees_without_collection
from analysis.web.http import Request
from analysis.web.image.neighbors import Link, Neighbor, Neighbors, neighbors_among

MAX_COLLECTIONS = 50


@dataclass(frozen=True)
class CollectionLink:
    """Link back to a collection; the user can open the pages of all `neighbors`."""

    name: str
    back_url: str
    neighbors: Neighbors


def collections_of(request: Request, image: Image) -> list[Collection]:
    """The collections with this picture that the user can open."""
    if not request.user.is_authenticated:
        return []
    return list(
        rights.viewable_collections(request.user).filter(entries__image=image).order_by("name")[:MAX_COLLECTIONS]
    )


def collection_link(request: Request, image: Image, *, collection_id: str, link: Link) -> CollectionLink | None:
    """The link back; None if the user no longer sees the picture in this collection."""
    if not collection_id:
        return None
    try:
        collection = rights.get_collection_or_404(request.user, int(collection_id))
    except Http404:
        return None
    ids = list(rights.visible_entries(request.user, collection).values_list("image_id", flat=True))
    if image.pk not in ids:
        return None
    viewer = permissions.viewer_of(request.user)

    def neighbor(near: Image) -> Neighbor:
        # Its own page may be closed to the user; the collection's check at each request if it is still shared.
        own_url = link(near.pk) if sees_without_collection(near, viewer) else ""
        url = own_url or reverse("collection-image", args=[collection.pk, near.pk])
        return Neighbor(url, rendition_url(collection, near, "preview", viewer))

    return CollectionLink(
        name=collection.title,
        back_url=f"{links.with_parameters(collection.get_absolute_url(), to=image.pk)}#card-{image.pk}",
        neighbors=neighbors_among(image, ids, total=formatting.count(len(ids)), neighbor=neighbor),
    )
