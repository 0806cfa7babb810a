"""What failed and was not answered since: the pictures, grouped by cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

SCAN_LIMIT = 5_000
"""Failures that are looked at, the newest first; of more, the older ones are not told."""
MOST_CAUSES = 20


@dataclass(frozen=True)
class Cause:
    """Why `number` pictures have no answer of an API; one sentence stands for those of a kind."""

    api: str
    code: str
    message: str
    is_permanent: bool
    number: int
    latest: datetime


@dataclass(frozen=True)
class Failures:
    causes: list[Cause]
    is_whole: bool


def failures(*, person_id: int | None = None, since: datetime | None = None, maximum: int = MOST_CAUSES) -> Failures:
    """What failed last, by API and code, the most frequent first; of one person's pictures, or of all.

    What was asked again meanwhile does not count, whatever came of it, and nor does what lies in the trash.
    """
    values = {"person": person_id, "since": since, "looked_at": SCAN_LIMIT, "most": maximum}
    with connection.cursor() as cursor:
        cursor.execute(_CAUSES, values)
        (looked_at, *_), *causes = cursor.fetchall()
    return Failures([Cause(*row) for _, *row in causes], looked_at < SCAN_LIMIT)


_CAUSES = """
WITH newest AS MATERIALIZED (
    SELECT id, image_id, api, error_code, error_message, is_permanent, finished_at FROM analysis_analysis
    WHERE state = 'failed' AND NOT is_sample AND (%(since)s::timestamptz IS NULL OR finished_at >= %(since)s)
    ORDER BY finished_at DESC LIMIT %(looked_at)s)
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
GROUP BY failed.api, failed.error_code ORDER BY count(*) DESC, failed.api, failed.error_code LIMIT %(most)s)
"""
