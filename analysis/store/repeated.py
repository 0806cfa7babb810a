"""Which pictures have, or had, a like in the library: what a search for duplicates looks at, instead of at all.

Said of too many it costs a search a look at each; of too few, they are not found. So it is said when a picture comes,
in its transaction, and taken back by nobody; what two pictures that came at once did not know is put right in batches.
"""

from __future__ import annotations

from django.db import connection

from analysis.models import Image

_OF_ONE = """
    UPDATE analysis_image SET is_repeated = true WHERE id IN (
        SELECT id FROM analysis_image
        WHERE (phash = %(phash)s OR sha256 = %(sha256)s) AND NOT is_repeated ORDER BY id FOR UPDATE)
    AND EXISTS (
        SELECT FROM analysis_image WHERE (phash = %(phash)s OR sha256 = %(sha256)s) AND id <> %(id)s)
"""
_OF_ALL = """
    UPDATE analysis_image image SET is_repeated = true
    FROM (SELECT {0} FROM analysis_image GROUP BY {0} HAVING count(*) > 1) repeated
    WHERE image.{0} = repeated.{0} AND NOT image.is_repeated
"""


def mark(image: Image) -> None:
    """Of a picture that was just added, and of those it is like."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ONE, {"id": image.pk, "phash": image.phash, "sha256": image.sha256})


def mark_all() -> int:
    """Of whichever it was not said yet; answers how many that were."""
    with connection.cursor() as cursor:
        marked = 0
        for column in ("phash", "sha256"):
            cursor.execute(_OF_ALL.format(column))
            marked += cursor.rowcount
    return marked
