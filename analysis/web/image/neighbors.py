"""The previous and next picture within a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import Image, Viewer
from analysis.search.query import Query
from analysis.search.results import Search
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.web import links

MAX_POSITION = 3_000
"""Up to this position an image page shows it; in a large result, only if it is found quickly."""

Link = Callable[[int], str]


@dataclass(frozen=True)
class Neighbor:
    url: str
    preview: str


@dataclass(frozen=True)
class Neighbors:
    position: str
    previous: Neighbor | None
    next: Neighbor | None


NO_NEIGHBORS = Neighbors("", None, None)


def neighbors(image: Image, query: Query, *, viewer: Viewer, link: Link) -> Neighbors:
    """The previous and next image in the results of a query.

    If it does not match, those before and after its sort position. `link` builds the URL of an image by its id.
    None for anonymous viewers, who got a link to this picture only.
    """
    if viewer.user_id is None:
        return NO_NEIGHBORS
    try:
        with time_limit():
            return _find_neighbors(image, query, viewer=viewer, link=link)
    except SearchTooSlow:
        return NO_NEIGHBORS


def _find_neighbors(image: Image, query: Query, *, viewer: Viewer, link: Link) -> Neighbors:
    search = Search(query, viewer)
    # Two rows next to a sort key are found quickly in any result; the first 3,000 rows are not.
    ids = [] if _takes_long(search) else search.image_ids(limit=MAX_POSITION + 1)
    if image.pk not in ids[:MAX_POSITION]:
        return _neighbors_by_key(image, search, link=link)
    total = formatting.count(min(len(ids), MAX_POSITION)) + ("+" if len(ids) > MAX_POSITION else "")
    return neighbors_among(image, ids, total=total, neighbor=lambda near: neighbor_of(near, link))


def _takes_long(search: Search) -> bool:
    """True for a large result without an index in its sort order."""
    is_sorted = search.plan.ordering.key and search.plan.sorts_all_matches
    return bool(is_sorted) and search.count(cap=MAX_POSITION) > MAX_POSITION


def _neighbors_by_key(image: Image, search: Search, *, link: Link) -> Neighbors:
    cursor = search.cursor_of(image.pk)
    if cursor is None:
        return NO_NEIGHBORS
    images = []
    for is_backward in (True, False):
        keys = search.keys(after=cursor, limit=1, is_backward=is_backward)
        images.append(Image.objects.only("renditions_id").filter(pk=keys[0][0]).first() if keys else None)
    previous, following = (neighbor_of(near, link) if near else None for near in images)
    return Neighbors("", previous, following)


def neighbors_among(
    image: Image, ids: Sequence[int], *, total: str, neighbor: Callable[[Image], Neighbor]
) -> Neighbors:
    """The neighbors of an image in a list that contains it."""
    index = ids.index(image.pk)
    # Only the preview's version is needed and who may see it, not the metadata.
    rows = Image.objects.only("renditions_id", "owner", "visibility")
    neighbors_by_id = rows.in_bulk(ids[max(index - 1, 0) : index + 2])
    previous_id, next_id = ids[index - 1] if index else None, ids[index + 1] if index + 1 < len(ids) else None
    return Neighbors(
        position=_("%(position)s of %(total)s") % {"position": formatting.count(index + 1), "total": total},
        previous=neighbor(neighbors_by_id[previous_id]) if previous_id in neighbors_by_id else None,
        next=neighbor(neighbors_by_id[next_id]) if next_id in neighbors_by_id else None,
    )


def neighbor_of(image: Image, link: Link) -> Neighbor:
    return Neighbor(link(image.pk), links.rendition_url(image, "preview"))
