"""Failed analyses that were not requested again, grouped by API and error code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# Failed analyses that are read, newest first, so that the page stays fast after a mass failure.
SCAN_LIMIT = 5_000
MAX_CAUSES = 20


@dataclass(frozen=True)
class Cause:
    """An error code of an API, with the `number` of pictures it affects.

    `message`: of one of these pictures.
    """

    api: str
    code: str
    message: str
    is_permanent: bool
    number: int
    latest: datetime


@dataclass(frozen=True)
class Failures:
    """Causes of failures. `is_complete` False: only the newest SCAN_LIMIT were read."""

    causes: list[Cause]
    is_complete: bool


def failures(*, person_id: int | None = None, since: datetime | None = None, maximum: int = MAX_CAUSES) -> Failures:
    """The most frequent causes, for one user's pictures or for all.

    Analyses that were requested again do not count, whatever their result; nor do pictures in the trash.
    """
    values = {"person": person_id, "since": since, "scan_limit": SCAN_LIMIT, "maximum": maximum}
    with connection.cursor() as cursor:
        cursor.execute(_CAUSES, values)
        (scanned, *_), *causes = cursor.fetchall()
    return Failures([Cause(*row) for _, *row in causes], scanned < SCAN_LIMIT)


_CAUSES = """
WITH newest AS MATERIALIZED (
    SELECT id, image_id, api, error_code, error_message, is_permanent, finished_at FROM analysis_analysis
    WHERE state = 'failed' AND NOT is_sample AND (%(since)s::timestamptz IS NULL OR finished_at >= %(since)s)
    ORDER BY finished_at DESC LIMIT %(scan_limit)s)
(SELECT count(*), '', '', '', false, 0, now() FROM newest)
UNION ALL
(SELECT 0, failed.api, failed.error_code, max(failed.error_message), bool_and(failed.is_permanent), count(*),
       max(failed.finished_at)
FROM newest failed
JOIN analysis_image image ON image.id = failed.image_id AND image.trashed_at IS NULL
                         AND (%(person)s::bigint IS NULL OR image.owner_id = %(person)s)
WHERE NOT EXISTS (
    SELECT FROM analysis_analysis later
    WHERE later.image_id = failed.image_id AND later.api = failed.api AND later.id > failed.id AND NOT later.is_sample)
GROUP BY failed.api, failed.error_code ORDER BY count(*) DESC, failed.api, failed.error_code LIMIT %(maximum)s)
"""
