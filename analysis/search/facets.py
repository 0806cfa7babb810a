"""What else the pictures of a result carry."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from analysis.models import Audience
from analysis.search import results
from analysis.search.tree import Query

SAMPLE = 2_000
"""Facets are exact up to this many hits; beyond, they are counted over a sample of about as many, and say so."""
LEAST_SAMPLE = 100


@dataclass(frozen=True)
class Facet:
    kind: str
    name: str
    count: int


@dataclass(frozen=True)
class Facets:
    """`counted`: over how many pictures; a sample when there are more. `total`: how many there are, where it was met
    on the way, up to one more than results.COUNT_CAP.
    """

    by_kind: dict[str, list[Facet]]
    is_sample: bool
    counted: int = 0
    total: int | None = None


def facets(query: Query, *, audience: Audience, most: int = 20) -> Facets:
    """The most frequent labels of each kind among a query's pictures."""
    ids, is_whole = _hits(query, audience)
    apart = max(1, -(-len(ids) // SAMPLE))
    sample = ids[::apart]
    by_kind: dict[str, list[Facet]] = {}
    for kind, name, images in _counted(sample, most=most):
        by_kind.setdefault(kind, []).append(Facet(kind, name, images))
    return Facets(by_kind, not is_whole or apart > 1, len(sample), len(ids) if is_whole else None)


def _hits(query: Query, audience: Audience) -> tuple[list[int], bool]:
    """All hits up to the cap, or enough of them to stand for the rest: the newest alone are often alike."""
    at_most = results.at_most(query, audience=audience)
    for every in dict.fromkeys((max(1, at_most // SAMPLE), 1)):
        ids, is_whole = results.sampled_ids(query, audience=audience, limit=SAMPLE, every=every)
        if is_whole or len(ids) >= LEAST_SAMPLE:
            break
    return ids, is_whole


def _counted(ids: list[int], *, most: int) -> list[tuple[str, str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT kind, name, images FROM (
                SELECT label.kind, label.name, counted.images,
                       row_number() OVER (PARTITION BY label.kind ORDER BY counted.images DESC, label.name) AS place
                FROM (SELECT label_id, count(*) AS images
                      FROM (SELECT unnest(label_ids) AS label_id FROM analysis_imageindex WHERE image_id = ANY(%s)) said
                      GROUP BY label_id) counted
                JOIN analysis_label label ON label.id = counted.label_id AND NOT label.is_hidden
            ) ranked WHERE place <= %s ORDER BY kind, place
            """,
            [ids, most],
        )
        rows: list[tuple[str, str, int]] = cursor.fetchall()
    return rows
