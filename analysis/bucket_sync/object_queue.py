"""News of objects written down: what is to be looked at, however often and in whatever order it was told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction

from analysis.aws.s3_objects import ObjectInfo
from analysis.bucket_sync.key_filter import KeyFilter
from analysis.bucket_sync.s3_events import CREATED, REMOVED, ObjectEvent
from analysis.library import uploads
from analysis.models import Bucket
from analysis.storage import blobs

OURS = ("originals/", "renditions/", f"{blobs.UPLOADS}/", "check-aws.jpg")


@dataclass
class RecordedEvents:
    """What came of some news: buckets in which something is to be read, uploads that arrived, buckets nobody knows."""

    buckets: set[int] = field(default_factory=set)
    uploads: int = 0
    unknown: set[str] = field(default_factory=set)


def key_filter_of(bucket: Bucket) -> KeyFilter:
    return KeyFilter(bucket.prefix, tuple(bucket.include), tuple(bucket.exclude))


def is_internal_key(bucket_name: str, key: str) -> bool:
    """Whether our own storage put an object there: it is a picture's already, or of one on its way."""
    return bucket_name == blobs.bucket_name() and key.startswith(tuple(blobs.full_key(each) for each in OURS))


def record_events(events: Sequence[ObjectEvent]) -> RecordedEvents:
    """Write down news, all or nothing."""
    noted = RecordedEvents()
    with transaction.atomic():
        arrived = [blobs.relative_key(each.key) for each in events if each.kind == CREATED and _is_upload(each)]
        noted.uploads = uploads.mark_uploaded_by_key(arrived) if arrived else 0
        rows = _rows(events, noted)
        if rows:
            noted.buckets = _upsert(rows)
    return noted


def _is_upload(event: ObjectEvent) -> bool:
    return event.bucket == blobs.bucket_name() and event.key.startswith(blobs.full_key(f"{blobs.UPLOADS}/"))


def _rows(events: Sequence[ObjectEvent], noted: RecordedEvents) -> dict[tuple[int, str], ObjectEvent]:
    """The last news of each object that one of our buckets wants; one may be wanted by several."""
    by_name: dict[str, list[tuple[int, KeyFilter]]] = {}
    for bucket in Bucket.objects.filter(name__in={each.bucket for each in events}):
        by_name.setdefault(bucket.name, []).append((bucket.pk, key_filter_of(bucket)))
    rows: dict[tuple[int, str], ObjectEvent] = {}
    for event in events:
        if event.bucket not in by_name and event.bucket != blobs.bucket_name():
            noted.unknown.add(event.bucket)
        if is_internal_key(event.bucket, event.key):
            continue
        for bucket_id, selection in by_name.get(event.bucket, ()):
            known = rows.get((bucket_id, event.key))
            if selection.takes(event.key) and (known is None or event.is_after(known)):
                rows[bucket_id, event.key] = event
    return rows


def _upsert(rows: dict[tuple[int, str], ObjectEvent]) -> set[int]:
    """In the order of the keys, so that two consumers never wait for one another in a circle.

    Older news than what is known is passed over, and so is news of the very object that was looked at already.
    """
    ordered = sorted(rows.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO analysis_bucketobject AS known
                (bucket_id, key, version_id, etag, size, sequencer, state, revision, attempts, error_code, reason)
            SELECT bucket_id, key, version_id, etag, size, sequencer, state, 0, 0,
                   CASE state WHEN 'gone' THEN 'gone' ELSE '' END, ''
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[])
                 AS news (bucket_id, key, version_id, etag, size, sequencer, state)
            ON CONFLICT (bucket_id, key) DO UPDATE
            SET state = 'waiting', revision = known.revision + 1, attempts = 0, next_attempt_at = statement_timestamp(),
                sequencer = greatest(known.sequencer, excluded.sequencer)
            WHERE (excluded.sequencer = '' OR excluded.sequencer > known.sequencer)
              AND NOT (known.state IN ('present', 'refused', 'dropped') AND excluded.etag <> ''
                       AND excluded.etag = known.etag AND excluded.version_id IN ('', known.version_id))
              AND NOT (known.state IN ('gone', 'dropped') AND excluded.state = 'gone')
            RETURNING bucket_id, state
            """,
            [
                [bucket_id for (bucket_id, _), _ in ordered],
                [key for (_, key), _ in ordered],
                [event.version_id for _, event in ordered],
                [event.etag for _, event in ordered],
                [event.size for _, event in ordered],
                [event.sequencer for _, event in ordered],
                ["gone" if event.kind == REMOVED else "waiting" for _, event in ordered],
            ],
        )
        return {bucket_id for bucket_id, state in cursor.fetchall() if state == "waiting"}


def queue_objects(bucket_id: int, listed: Iterable[ObjectInfo]) -> None:
    """Have objects of a listing read, whatever was known of them."""
    rows = sorted(listed, key=lambda each: each.key)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO analysis_bucketobject AS known
                (bucket_id, key, version_id, etag, size, sequencer, state, revision, attempts, error_code, reason)
            SELECT %s, key, '', etag, size, '', 'waiting', 0, 0, '', ''
            FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS listed (key, etag, size)
            ON CONFLICT (bucket_id, key) DO UPDATE
            SET state = 'waiting', revision = known.revision + 1, attempts = 0, next_attempt_at = statement_timestamp()
            """,
            [bucket_id, [each.key for each in rows], [each.etag for each in rows], [each.size for each in rows]],
        )
