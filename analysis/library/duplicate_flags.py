"""Which pictures have, or had, a like in the library: what a search for duplicates looks at, instead of at all.

Said of too many it costs a search a look at each; of too few, they are not found. So it is said when a picture comes,
in its transaction, and taken back by nobody; what two that came at once did not know is put right every minute.
"""

from __future__ import annotations

from django.db import connection

from analysis.models import Image

_OF_ONE = """
    UPDATE analysis_image SET has_duplicate = true WHERE id IN (
        SELECT id FROM analysis_image
        WHERE (phash = %(phash)s OR sha256 = %(sha256)s) AND NOT has_duplicate ORDER BY id FOR UPDATE)
    AND EXISTS (
        SELECT FROM analysis_image WHERE (phash = %(phash)s OR sha256 = %(sha256)s) AND id <> %(id)s)
"""
_OF_ALL = """
    WITH repeated AS MATERIALIZED (SELECT {0} FROM analysis_image GROUP BY {0} HAVING count(*) > 1)
    UPDATE analysis_image SET has_duplicate = true WHERE {0} IN (SELECT {0} FROM repeated) AND NOT has_duplicate
"""
_OF_LATE = """
    WITH late AS MATERIALIZED (
        SELECT id, {0}, has_duplicate FROM analysis_image
        WHERE trashed_at IS NULL AND added_at > now() - interval '1 hour'),
    alike AS MATERIALIZED (
        SELECT late.id AS one, other.id AS other FROM late
        JOIN analysis_image other ON other.{0} = late.{0} AND other.id <> late.id
        WHERE NOT (other.has_duplicate AND late.has_duplicate))
    UPDATE analysis_image SET has_duplicate = true
    WHERE id IN (SELECT one FROM alike UNION SELECT other FROM alike) AND NOT has_duplicate
"""


def mark_duplicates(image: Image) -> None:
    """Of a picture that was just added, and of those it is like."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ONE, {"id": image.pk, "phash": image.phash, "sha256": image.sha256})


def mark_overdue() -> int:
    """Of the last hour's pictures and those they are like; answers of how many it was not said yet."""
    return _marked(_OF_LATE)


def mark_all_duplicates() -> int:
    """Of whichever it was not said yet, the whole library gone through; answers how many that were."""
    return _marked(_OF_ALL)


def _marked(statement: str) -> int:
    with connection.cursor() as cursor:
        marked = 0
        for column in ("phash", "sha256"):
            cursor.execute(statement.format(column))
            marked += cursor.rowcount
    return marked
