"""Current length of the queue of each API, and of one person's part of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

# Rows of one queue that are counted; CAP + 1 means "more".
CAP = 100_000
# Rows at the head of each queue in which the oldest one is searched, since some may be of pictures in the trash.
HEAD_ROWS = 200
# Rows at the head of all queues in which one user's are searched.
PERSON_ROWS = 20_000


@dataclass(frozen=True)
class QueueDepth:
    """A queue. `waiting`: at most CAP + 1. `oldest`: age of the oldest analysis."""

    recognizer: str
    api: str
    waiting: int
    running: int
    oldest: timedelta | None


@dataclass(frozen=True)
class PersonQueue:
    """One user's queued and running analyses.

    If not `is_complete`, there may be more.
    """

    waiting: int
    oldest: timedelta | None
    is_complete: bool


def queue_depths() -> list[QueueDepth]:
    """All queues with queued or running analyses."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPTHS, {"limit": CAP + 1, "head": HEAD_ROWS})
        return [QueueDepth(*row) for row in cursor.fetchall()]


def person_queue(person_id: int) -> PersonQueue:
    """The queue of one person's pictures, over all APIs."""
    with connection.cursor() as cursor:
        cursor.execute(_PERSON_QUEUE, {"person": person_id, "limit": PERSON_ROWS})
        waiting, oldest, scanned = cursor.fetchone()
    return PersonQueue(waiting, oldest, scanned < PERSON_ROWS)


# A recursive query lists the queues by jumps through the index (a loose index scan), since DISTINCT would read all
# rows.
_DEPTHS = """
WITH RECURSIVE queue_key AS (
    (SELECT recognizer, api FROM analysis_analysis WHERE state = 'queued' ORDER BY recognizer, api LIMIT 1)
    UNION ALL
    SELECT next.* FROM queue_key CROSS JOIN LATERAL (
        SELECT recognizer, api FROM analysis_analysis
        WHERE state = 'queued' AND (recognizer, api) > (queue_key.recognizer, queue_key.api)
        ORDER BY recognizer, api LIMIT 1) next),
running AS (
    SELECT recognizer, api, count(*) AS number FROM analysis_analysis WHERE state = 'running' GROUP BY recognizer, api),
queue AS (SELECT recognizer, api FROM queue_key UNION SELECT recognizer, api FROM running)
SELECT queue.recognizer, queue.api, (
           SELECT count(*) FROM (
               SELECT FROM analysis_analysis
               WHERE state = 'queued' AND (recognizer, api) = (queue.recognizer, queue.api) LIMIT %(limit)s) capped),
       coalesce(running.number, 0), oldest.age
FROM queue LEFT JOIN running USING (recognizer, api)
CROSS JOIN LATERAL (
    SELECT now() - min(greatest(head.requested_at, batch.changed_at)) AS age
    FROM unnest('{false,true}'::bool[]) kind (is_bulk)
    CROSS JOIN LATERAL (
        SELECT image_id, batch_id, requested_at FROM analysis_analysis
        WHERE state = 'queued' AND (recognizer, api) = (queue.recognizer, queue.api) AND is_bulk = kind.is_bulk
        ORDER BY id LIMIT %(head)s) head
    JOIN analysis_image image ON image.id = head.image_id AND image.trashed_at IS NULL
    LEFT JOIN analysis_batch batch ON batch.id = head.batch_id) oldest
ORDER BY queue.recognizer, queue.api
"""

_PERSON_QUEUE = """
WITH head AS MATERIALIZED (
    (SELECT image_id, requested_at FROM analysis_analysis WHERE state = 'queued'
     ORDER BY recognizer, api, is_bulk, id LIMIT %(limit)s)
    UNION ALL SELECT image_id, requested_at FROM analysis_analysis WHERE state = 'running')
SELECT count(image.id), now() - min(head.requested_at) FILTER (WHERE image.id IS NOT NULL), (SELECT count(*) FROM head)
FROM head LEFT JOIN analysis_image image
  ON image.id = head.image_id AND image.owner_id = %(person)s AND image.trashed_at IS NULL
"""
