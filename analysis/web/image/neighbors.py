"""From picture to picture within a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.models import Image, Viewer
from analysis.search import results
from analysis.search.query import Query
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.web import links

WALKED = 3_000
"""So far into a result a page knows its place and both its neighbors; beyond, only the next one."""


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


NOWHERE = Neighbors("", None, None)


def neighbors(image: Image, query: Query, *, viewer: Viewer, link: Link) -> Neighbors:
    """Where a picture stands in a search's result. A picture that is not in it stands where its time puts it.

    `link` leads to a picture. Nowhere for those who are not signed in: a search would tell them whose it is, and of
    pictures they were not sent.
    """
    if viewer.person_id is None:
        return NOWHERE
    try:
        with time_limit():
            return _walk(image, query, viewer=viewer, link=link)
    except SearchTooSlow:
        return NOWHERE


def _walk(image: Image, query: Query, *, viewer: Viewer, link: Link) -> Neighbors:
    ids = results.image_ids(query, viewer=viewer, limit=WALKED)
    if image.pk not in ids:
        place = results.cursor_of(image.pk, query, viewer=viewer)
        following = results.page(query, viewer=viewer, after=place, size=1).images if place else []
        return Neighbors("", None, _neighbor(following[0], link) if following else None)
    index = ids.index(image.pk)
    around = Image.objects.only("renditions_id").in_bulk(ids[max(index - 1, 0) : index + 2])
    before, after = ids[index - 1] if index else None, ids[index + 1] if index + 1 < len(ids) else None
    total = f"{WALKED:,}+" if len(ids) == WALKED else f"{len(ids):,}"
    return Neighbors(
        position=f"{index + 1:,} of {total}",
        previous=_neighbor(around[before], link) if before in around else None,
        next=_neighbor(around[after], link) if after in around else None,
    )


def _neighbor(image: Image, link: Link) -> Neighbor:
    return Neighbor(link(image.pk), links.rendition_url(image, "preview"))
