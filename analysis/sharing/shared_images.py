"""The pictures that a share link shows, checked at each request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from analysis.models import CollectionImage, Image, SavedSearch, ShareLink, Viewer
from analysis.permissions import collections as rights
from analysis.search.query import And, Node, Not, Or, Query, StateTerm
from analysis.search.results import Search
from analysis.search.sensitive import sensitive_ids
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.terms import OwnerTerm
from analysis.search.time_limit import time_limit

MAX_RESULTS = 10_000
"""Maximum number of pictures that the link of a saved search shows, the first ones in its order."""
STEP = 200


def shared_ids(link: ShareLink) -> list[int]:
    """The ids of all pictures, in order."""
    if link.collection is not None:
        entries = _entries(link).order_by("position", "image_id")
        return _without_sensitive(link, list(entries.values_list("image_id", flat=True)))
    if link.search is not None:
        return _without_sensitive(link, _results(link, link.search))
    shareable = rights.shareable_images(link).filter(share_links=link)
    return _without_sensitive(link, list(shareable.values_list("pk", flat=True)))


def shared_images(link: ShareLink, image_ids: Sequence[int]) -> list[Image]:
    """The images, of those given, that the link may show now, in this order."""
    images = rights.shareable_images(link).select_related("bucket").in_bulk(image_ids)
    return [images[image_id] for image_id in image_ids if image_id in images]


def find_shared_image(link: ShareLink, public_id: UUID) -> Image | None:
    """One picture, if the link shows it now."""
    image = rights.shareable_images(link).select_related("bucket").filter(public_id=public_id).first()
    return image if image is not None and _shows(link, image.pk) else None


def shared_steps(link: ShareLink, *, step: int = STEP) -> Iterator[list[Image]]:
    """All images in steps; ends early if the link expires or is revoked."""
    image_ids = shared_ids(link)
    for start in range(0, len(image_ids), step):
        try:
            current = rights.get_share_link_or_404(link.token)
        except Http404:
            return
        yield shared_images(current, image_ids[start : start + step])


def _shows(link: ShareLink, image_id: int) -> bool:
    if not _without_sensitive(link, [image_id]):
        return False
    if link.collection is not None:
        return _entries(link).filter(image_id=image_id).exists()
    if link.search is not None:
        return _matches(link, link.search, image_id)
    return link.image_id == image_id


def _entries(link: ShareLink) -> QuerySet[CollectionImage]:
    return CollectionImage.objects.filter(collection=link.collection, image__in=rights.shareable_images(link))


def _results(link: ShareLink, saved: SavedSearch) -> list[int]:
    """The ids that the search finds; none for one that is invalid or too slow."""
    try:
        search = _search(link, saved)
        with time_limit():
            image_ids = search.image_ids(limit=MAX_RESULTS)
    except InvalidQuery:  # includes SearchTooSlow
        return []
    # is:trashed also finds the owner's trash, which a link never shows.
    if not search.query.includes_trash:
        return image_ids
    shareable = set(rights.shareable_images(link).filter(pk__in=image_ids).values_list("pk", flat=True))
    return [image_id for image_id in image_ids if image_id in shareable]


def _matches(link: ShareLink, saved: SavedSearch, image_id: int) -> bool:
    try:
        with time_limit():
            return _search(link, saved).matching([image_id]) == {image_id}
    except InvalidQuery:
        return False


def _search(link: ShareLink, saved: SavedSearch) -> Search:
    """The saved search of its owner, narrowed to what the link may show.

    Raises InvalidQuery.
    """
    query = parse(saved.query)
    return Search(Query((*query.parts, _shareable(link)), query.sort), Viewer(user_id=link.owner_id))


def _shareable(link: ShareLink) -> Node:
    """`permissions.shareable_images` as a part of a search."""
    own: Node = OwnerTerm("me")
    if not link.includes_private:
        own = And((own, Not(StateTerm("private"))))
    return Or((StateTerm("public"), own))


def _without_sensitive(link: ShareLink, image_ids: list[int]) -> list[int]:
    if link.includes_sensitive or not image_ids:
        return image_ids
    sensitive = sensitive_ids(image_ids)
    return [image_id for image_id in image_ids if image_id not in sensitive]
