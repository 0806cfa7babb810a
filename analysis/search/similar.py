"""The pictures most similar to one, by the cosine of their embeddings."""

from __future__ import annotations

from django.db import transaction

from analysis.models import ImageEmbedding, Viewer
from analysis.search.database import fetch_all
from analysis.search.sql.conditions import visibility_filter

MAX_SIMILAR = 500
MIN_SIMILARITY = 0.5
"""Cosine. Of pictures in scikit-image, parts of one photograph have 0.82 in the median, different photographs 0.20 and
in one of a hundred pairs 0.45 (docs/decisions/0019-image-embeddings.md)."""
FIRST_STEP = 100
"""Most pictures have fewer similar ones, and reading the index for more takes in proportion."""
SCANNED, MAX_SCANNED = 2_000, 20_000
"""Vectors that the index returns before it gives up looking for visible ones."""
MAX_COMPARED = 20_000
"""Of up to this many visible pictures, all are compared."""

_TABLE = ImageEmbedding._meta.db_table
_ORDERED = """
    SELECT e.image_id, e.vector <=> (SELECT vector FROM {table} WHERE image_id = %s) AS distance
    FROM {table} e {join}
    WHERE e.model_version = (SELECT model_version FROM {table} WHERE image_id = %s)
      AND e.image_id <> %s AND e.vector IS NOT NULL
    ORDER BY distance LIMIT %s
"""


def similar_ids(image_id: int, *, viewer: Viewer, limit: int = MAX_SIMILAR) -> list[int]:
    """The most similar pictures that the viewer may see, the nearest first, at most MAX_SIMILAR.

    Without the picture itself, and without those in the trash. The caller checks that the viewer may see the picture.
    Empty where similarity is not available.
    """
    if not _is_comparable(image_id):
        return []
    with transaction.atomic(savepoint=False):
        limit = min(limit, MAX_SIMILAR)
        near = _nearest(image_id, viewer, limit=min(limit, FIRST_STEP))
        if len(near) == FIRST_STEP < limit and near[-1][1] <= 1 - MIN_SIMILARITY:
            near = _nearest(image_id, viewer, limit=limit)
    return [pk for pk, distance in near if distance <= 1 - MIN_SIMILARITY]


def _is_comparable(image_id: int) -> bool:
    if not fetch_all("SELECT to_regclass(%s) IS NOT NULL", [_TABLE])[0][0]:
        return False
    return bool(fetch_all(f"SELECT FROM {_TABLE} WHERE image_id = %s AND vector IS NOT NULL", [image_id]))  # noqa: S608


def _nearest(image_id: int, viewer: Viewer, *, limit: int) -> list[tuple[int, float]]:
    """Ids and distances of the nearest visible pictures.

    The index returns pictures of everybody. Where a viewer sees few of them, comparing those is faster than waiting for
    the index to return them, and it finds all.
    """
    near = _by_index(image_id, viewer, limit=limit, scanned=SCANNED)
    if len(near) < limit:
        compared, near_visible = _by_comparison(image_id, viewer, limit=limit)
        near = near_visible if compared <= MAX_COMPARED else _by_index(image_id, viewer, limit=limit, scanned=MAX_SCANNED)
    return near


def _by_index(image_id: int, viewer: Viewer, *, limit: int, scanned: int) -> list[tuple[int, float]]:
    # An iterative scan continues until enough rows pass the filter (pgvector 0.8). The settings end with the
    # transaction, as that of the time limit does.
    fetch_all(
        """SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', %s, true),
                  set_config('hnsw.max_scan_tuples', %s, true)""",
        [str(FIRST_STEP), str(scanned)],
    )
    visible = visibility_filter(viewer, "i")
    join = f"JOIN analysis_image i ON i.id = e.image_id AND i.trashed_at IS NULL AND {visible.text}"
    text = _ORDERED.format(table=_TABLE, join=join)
    return fetch_all(text, [image_id, *visible.values, image_id, image_id, limit])


def _by_comparison(image_id: int, viewer: Viewer, *, limit: int) -> tuple[int, list[tuple[int, float]]]:
    """The number of visible pictures, counted to one more than MAX_COMPARED, and the nearest of those."""
    visible = visibility_filter(viewer, "i")
    text = f"""
        WITH visible AS MATERIALIZED (
            SELECT i.id FROM analysis_image i WHERE i.trashed_at IS NULL AND {visible.text} LIMIT {MAX_COMPARED + 1}),
        near AS MATERIALIZED ({_ORDERED.format(table=_TABLE, join="JOIN visible v ON v.id = e.image_id")})
        SELECT -1, (SELECT count(*) FROM visible) UNION ALL SELECT * FROM near
    """  # noqa: S608
    [(_, number), *near] = fetch_all(text, [*visible.values, image_id, image_id, image_id, limit])
    return int(number), sorted(near, key=lambda row: row[1])
