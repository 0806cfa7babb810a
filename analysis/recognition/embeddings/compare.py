"""Distinguishes pictures with the same perceptual hash by their embeddings."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from analysis.recognition.embeddings import table

MIN_SIMILARITY = 0.7
"""Minimum cosine of two versions of a picture. Measured on 280 versions of 23 photographs and 15 drawn pictures
(smaller, recompressed, blurred, gray, warmer): 0.73 and more. Different shapes on white, with one hash: 0.67. Pages of
text, forms and night skies have 0.97 and more among each other: only the finer bits of their signatures differ."""
MIN_SIDE = 224
"""Pixels that the model sees. Smaller pictures are scaled up for it, which changes the embedding: 0.48 for a version of
100 pixels."""

LOOK_DIFFERENT = f"""
    least(i.width, i.height, twin.width, twin.height) >= {MIN_SIDE} AND coalesce((
        SELECT a.vector <=> b.vector FROM {table.TABLE} a JOIN {table.TABLE} b ON b.model_version = a.model_version
        WHERE a.image_id = i.id AND b.image_id = twin.id), 0) > {1 - MIN_SIMILARITY:.2f}
"""
"""SQL condition on `analysis_image i` and `twin`, for a database with the table; false without both embeddings."""


def look_different(pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """The pairs of image ids that show different pictures."""
    if not pairs or not table.exists():
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT i.id, twin.id FROM unnest(%s::bigint[], %s::bigint[]) pair (first, second)
                JOIN analysis_image i ON i.id = pair.first JOIN analysis_image twin ON twin.id = pair.second
                WHERE {LOOK_DIFFERENT}""",
            [list(ids) for ids in zip(*pairs, strict=True)],
        )
        return set(cursor.fetchall())
