"""What waits to be asked, API by API, as it is this moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

CAP = 100_000
"""Rows of one queue that are counted; one more than it means more."""
LOOKED_AT = 200
"""Rows at the head of each queue among which the oldest is looked for: some may be of pictures in the trash."""
OF_ONE = 20_000
"""Rows at the head of all queues among which one person's are looked for."""


@dataclass(frozen=True)
class Depth:
    """One queue: `waiting` counts as far as CAP; `oldest` is how long its oldest has waited, if any may go now."""

    recognizer: str
    api: str
    waiting: int
    running: int
    oldest: timedelta | None


@dataclass(frozen=True)
class Own:
    """What of one person's pictures waits or is under way; at least so many where not everything was looked at."""

    waiting: int
    oldest: timedelta | None
    is_whole: bool


def depths() -> list[Depth]:
    """Of every queue in which something waits or is under way."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPTHS, {"most": CAP + 1, "looked_at": LOOKED_AT})
        return [Depth(*row) for row in cursor.fetchall()]


def depth_of(person_id: int) -> Own:
    """Of one person's pictures, in whichever queue."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ONE, {"person": person_id, "most": OF_ONE})
        waiting, oldest, looked_at = cursor.fetchone()
    return Own(waiting, oldest, looked_at < OF_ONE)


# Which queues there are is told by jumping through the index, not by reading all that waits.
_DEPTHS = """
WITH RECURSIVE named AS (
    (SELECT recognizer, api FROM analysis_analysis WHERE state = 'queued' ORDER BY recognizer, api LIMIT 1)
    UNION ALL
    SELECT further.* FROM named CROSS JOIN LATERAL (
        SELECT recognizer, api FROM analysis_analysis
        WHERE state = 'queued' AND (recognizer, api) > (named.recognizer, named.api)
        ORDER BY recognizer, api LIMIT 1) further),
running AS (
    SELECT recognizer, api, count(*) AS number FROM analysis_analysis WHERE state = 'running' GROUP BY recognizer, api),
queue AS (SELECT recognizer, api FROM named UNION SELECT recognizer, api FROM running)
SELECT queue.recognizer, queue.api, (
           SELECT count(*) FROM (
               SELECT FROM analysis_analysis
               WHERE state = 'queued' AND (recognizer, api) = (queue.recognizer, queue.api) LIMIT %(most)s) few),
       coalesce(running.number, 0), oldest.age
FROM queue LEFT JOIN running USING (recognizer, api)
CROSS JOIN LATERAL (
    SELECT now() - min(greatest(head.requested_at, batch.changed_at)) AS age
    FROM unnest('{false,true}'::bool[]) kind (is_bulk)
    CROSS JOIN LATERAL (
        SELECT image_id, batch_id, requested_at FROM analysis_analysis
        WHERE state = 'queued' AND (recognizer, api) = (queue.recognizer, queue.api) AND is_bulk = kind.is_bulk
        ORDER BY id LIMIT %(looked_at)s) head
    JOIN analysis_image image ON image.id = head.image_id AND image.trashed_at IS NULL
    LEFT JOIN analysis_batch batch ON batch.id = head.batch_id) oldest
ORDER BY queue.recognizer, queue.api
"""

_OF_ONE = """
WITH head AS MATERIALIZED (
    (SELECT image_id, requested_at FROM analysis_analysis WHERE state = 'queued'
     ORDER BY recognizer, api, is_bulk, id LIMIT %(most)s)
    UNION ALL SELECT image_id, requested_at FROM analysis_analysis WHERE state = 'running')
SELECT count(image.id), now() - min(head.requested_at) FILTER (WHERE image.id IS NOT NULL), (SELECT count(*) FROM head)
FROM head LEFT JOIN analysis_image image
  ON image.id = head.image_id AND image.owner_id = %(person)s AND image.trashed_at IS NULL
"""
