"""The number of images with each label, which the planner and autocomplete use."""

from __future__ import annotations

from django.db import connection


def refresh_label_counts() -> int:
    """Update Label.image_count; returns the number of labels whose count changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_label label SET image_count = coalesce(counted.images, 0)
            FROM analysis_label every
            LEFT JOIN (SELECT label_id, count(*) AS images FROM analysis_imagelabel GROUP BY label_id) counted
                   ON counted.label_id = every.id
            WHERE every.id = label.id AND label.image_count <> coalesce(counted.images, 0)
            """
        )
        return int(cursor.rowcount)
