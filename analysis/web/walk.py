"""From picture to picture within a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.models import Audience, Image
from analysis.search import results
from analysis.search.tree import Query
from analysis.web import present

WALKED = 3_000
"""So far into a result a page knows its place and both its neighbors; beyond, only the next one."""


Link = Callable[[int], str]


@dataclass(frozen=True)
class Neighbor:
    url: str
    preview: str


@dataclass(frozen=True)
class Walk:
    position: str
    previous: Neighbor | None
    next: Neighbor | None


def walk(image: Image, query: Query, *, audience: Audience, link: Link) -> Walk:
    """Where a picture stands in a search's result. A picture that is not in it stands where its time puts it.

    `link` leads to a picture. Nowhere for those who are not signed in: a search would tell them whose it is, and of
    pictures they were not sent.
    """
    if audience.person_id is None:
        return Walk("", None, None)
    ids = results.image_ids(query, audience=audience, limit=WALKED)
    if image.pk not in ids:
        place = results.place_of(image.pk, query, audience=audience)
        following = results.page(query, audience=audience, after=place, size=1).images if place else []
        return Walk("", None, _neighbor(following[0], link) if following else None)
    index = ids.index(image.pk)
    around = Image.objects.only("renditions_id").in_bulk(ids[max(index - 1, 0) : index + 2])
    before, after = ids[index - 1] if index else None, ids[index + 1] if index + 1 < len(ids) else None
    total = f"{WALKED:,}+" if len(ids) == WALKED else f"{len(ids):,}"
    return Walk(
        position=f"{index + 1:,} of {total}",
        previous=_neighbor(around[before], link) if before in around else None,
        next=_neighbor(around[after], link) if after in around else None,
    )


def _neighbor(image: Image, link: Link) -> Neighbor:
    return Neighbor(link(image.pk), present.rendition_url(image, "preview"))
