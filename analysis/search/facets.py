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
    ids, is_whole = results.sample(query, audience=audience, size=SAMPLE, least=LEAST_SAMPLE)
    apart = max(1, -(-len(ids) // SAMPLE))
    chosen = ids[::apart]
    by_kind: dict[str, list[Facet]] = {}
    for kind, name, images in _counted(chosen, most=most):
        by_kind.setdefault(kind, []).append(Facet(kind, name, images))
    return Facets(by_kind, not is_whole or apart > 1, len(chosen), len(ids) if is_whole else None)


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
