"""Flags images that have or had a duplicate.

A search for duplicates reads only flagged images. A needless flag costs it a comparison, while a missing one would hide
a duplicate. So the flag is set in the transaction that adds an image, and never cleared. Two images added at the same
time do not see each other, so a task runs `mark_recent` every minute.
"""

from __future__ import annotations

from django.db import connection

from analysis.models import Image

# Locked in the order of IDs, so that two imports of the same picture do not deadlock.
_MARK_ONE = """
    UPDATE analysis_image SET has_duplicate = true WHERE id IN (
        SELECT id FROM analysis_image
        WHERE (phash = %(phash)s OR sha256 = %(sha256)s) AND NOT has_duplicate ORDER BY id FOR UPDATE)
    AND EXISTS (
        SELECT FROM analysis_image WHERE (phash = %(phash)s OR sha256 = %(sha256)s) AND id <> %(id)s)
"""
_MARK_ALL = """
    WITH duplicated AS MATERIALIZED (SELECT {0} FROM analysis_image GROUP BY {0} HAVING count(*) > 1)
    UPDATE analysis_image SET has_duplicate = true WHERE {0} IN (SELECT {0} FROM duplicated) AND NOT has_duplicate
"""
# MATERIALIZED, since the planner's estimate of "the last hour" is poor and it would join the whole table first.
_MARK_RECENT = """
    WITH recent AS MATERIALIZED (
        SELECT id, {0}, has_duplicate FROM analysis_image
        WHERE trashed_at IS NULL AND added_at > now() - interval '1 hour'),
    alike AS MATERIALIZED (
        SELECT recent.id AS recent_id, other.id AS other_id FROM recent
        JOIN analysis_image other ON other.{0} = recent.{0} AND other.id <> recent.id
        WHERE NOT (other.has_duplicate AND recent.has_duplicate))
    UPDATE analysis_image SET has_duplicate = true
    WHERE id IN (SELECT recent_id FROM alike UNION SELECT other_id FROM alike) AND NOT has_duplicate
"""


def mark_duplicates(image: Image) -> None:
    """Mark an image that was just added, and its duplicates."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK_ONE, {"id": image.pk, "phash": image.phash, "sha256": image.sha256})


def mark_recent() -> int:
    """Mark the images of the last hour and their duplicates.

    Returns the number of new marks.
    """
    return _mark(_MARK_RECENT)


def mark_all_duplicates() -> int:
    """Mark all duplicates of the library. Returns the number of new marks."""
    return _mark(_MARK_ALL)


def _mark(statement: str) -> int:
    with connection.cursor() as cursor:
        marked = 0
        for column in ("phash", "sha256"):
            cursor.execute(statement.format(column))
            marked += cursor.rowcount
    return marked
