"""The pictures most similar to one, by the cosine of their embeddings."""

from __future__ import annotations

from django.db import transaction

from analysis.models import ImageEmbedding, Viewer
from analysis.search.connection import search_alias, search_connection
from analysis.search.database import fetch_all
from analysis.search.sql.conditions import visibility_filter

MAX_SIMILAR = 500
MIN_SIMILARITY = 0.5
"""Cosine. Of pictures in scikit-image, parts of one photograph have 0.82 in the median, different photographs 0.20 and
in one of a hundred pairs 0.45 (docs/decisions/0019-image-embeddings.md)."""
MAX_DISTANCE = 1 - MIN_SIMILARITY
FIRST_STEP, STEP = 8, 64
"""Pictures read from the index at a time; few at first, since each takes long to find for viewers of few pictures."""
SCANNED, MAX_SCANNED = 2_000, 20_000
"""Vectors that the index scans before it gives up looking for visible ones."""
MAX_COMPARED = 20_000
"""Up to this many visible pictures are all compared."""

_TABLE = ImageEmbedding._meta.db_table
_DISTANCE = f"e.vector <=> (SELECT vector FROM {_TABLE} WHERE image_id = %s)"
# Vectors of another model version, left from before an update, are not comparable.
_COMPARABLE = f"""
    e.image_id <> %s AND e.vector IS NOT NULL
    AND e.model_version = (SELECT model_version FROM {_TABLE} WHERE image_id = %s)
"""


def similar_ids(image_id: int, *, viewer: Viewer, limit: int = MAX_SIMILAR) -> list[int]:
    """The most similar pictures that the viewer may see, the nearest first.

    At most MAX_SIMILAR, without the picture itself and without those in the trash; none where similarity is not
    available. The caller checks that the viewer may see the picture.
    """
    if not _is_comparable(image_id):
        return []
    with transaction.atomic(using=search_alias(), savepoint=False):
        near = _nearest(image_id, viewer, limit=min(limit, MAX_SIMILAR))
    return [pk for pk, distance in near if distance <= MAX_DISTANCE]


def _is_comparable(image_id: int) -> bool:
    if not fetch_all("SELECT to_regclass(%s) IS NOT NULL", [_TABLE])[0][0]:
        return False
    return bool(fetch_all(f"SELECT FROM {_TABLE} WHERE image_id = %s AND vector IS NOT NULL", [image_id]))


def _nearest(image_id: int, viewer: Viewer, *, limit: int) -> list[tuple[int, float]]:
    """Ids and distances of the nearest visible pictures.

    The index returns everyone's pictures. If a viewer sees few of them, comparing those is faster than waiting until
    the index returns them, and finds all.
    """
    near = _by_index(image_id, viewer, limit=limit, scanned=SCANNED)
    if len(near) == limit or (near and near[-1][1] > MAX_DISTANCE):
        return near  # complete, since they come in order
    number, compared = _by_comparison(image_id, viewer, limit=limit)
    return compared if number <= MAX_COMPARED else _by_index(image_id, viewer, limit=limit, scanned=MAX_SCANNED)


def _by_index(image_id: int, viewer: Viewer, *, limit: int, scanned: int) -> list[tuple[int, float]]:
    # An iterative scan continues until enough rows pass the filter (pgvector 0.8). The settings end with the
    # transaction, like the time limit of a search.
    fetch_all(
        """SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', %s, true),
                  set_config('hnsw.max_scan_tuples', %s, true)""",
        [str(STEP), str(scanned)],
    )
    visible = visibility_filter(viewer, "i")
    text = f"""
        SELECT e.image_id, {_DISTANCE} AS distance FROM {_TABLE} e JOIN analysis_image i ON i.id = e.image_id
        WHERE i.trashed_at IS NULL AND {visible.text} AND {_COMPARABLE} ORDER BY distance LIMIT %s
    """
    near = list[tuple[int, float]]()
    # A server-side cursor, since the scan can stop where pictures are no longer similar. A condition would not stop it:
    # the index would continue until it gives up.
    with search_connection().chunked_cursor() as cursor:
        cursor.execute(text, [image_id, *visible.values, image_id, image_id, limit])
        while rows := cursor.fetchmany(STEP if near else FIRST_STEP):
            near += rows
            if near[-1][1] > MAX_DISTANCE:
                break
    return near


def _by_comparison(image_id: int, viewer: Viewer, *, limit: int) -> tuple[int, list[tuple[int, float]]]:
    """The number of visible pictures, and the nearest of these.

    At most MAX_COMPARED + 1 pictures are counted and compared.
    """
    visible = visibility_filter(viewer, "i")
    # MATERIALIZED keeps the planner from using the index of vectors.
    text = f"""
        WITH visible AS MATERIALIZED (
            SELECT i.id FROM analysis_image i WHERE i.trashed_at IS NULL AND {visible.text} LIMIT {MAX_COMPARED + 1}),
        compared AS MATERIALIZED (
            SELECT e.image_id, {_DISTANCE} AS distance FROM visible v JOIN {_TABLE} e ON e.image_id = v.id
            WHERE {_COMPARABLE})
        (SELECT 0 AS image_id, count(*)::float8 AS distance FROM visible)
        UNION ALL (SELECT image_id, distance FROM compared ORDER BY distance, image_id LIMIT %s)
    """
    [(_, number), *near] = fetch_all(text, [*visible.values, image_id, image_id, image_id, limit])
    return int(number), near
