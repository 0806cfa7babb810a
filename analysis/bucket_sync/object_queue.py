"""The import queue: objects of buckets, each with its latest event.

Objects are reported by S3 events or listed by a sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from analysis.aws.s3_objects import ObjectInfo
from analysis.bucket_sync import sidecars
from analysis.bucket_sync.key_filter import KeyFilter
from analysis.bucket_sync.s3_events import CREATED, REMOVED, ObjectEvent
from analysis.ingest.sidecar import is_sidecar
from analysis.library import uploads
from analysis.models import Bucket, BucketObject
from analysis.storage import blobs

INTERNAL_KEYS = ("originals/", "renditions/", f"{blobs.UPLOADS}/", "check-aws.jpg")


@dataclass
class RecordedEvents:
    """Effects of events: buckets to import, completed uploads, unknown buckets."""

    buckets: set[int] = field(default_factory=set)
    uploads: int = 0
    unknown: set[str] = field(default_factory=set)

    def add(self, other: RecordedEvents) -> None:
        self.buckets |= other.buckets
        self.uploads += other.uploads
        self.unknown |= other.unknown


def key_filter_of(bucket: Bucket) -> KeyFilter:
    return KeyFilter(bucket.prefix, tuple(bucket.include), tuple(bucket.exclude))


def is_internal_key(bucket_name: str, key: str) -> bool:
    """True for keys of our own storage: files of images, and uploads."""
    return bucket_name == blobs.bucket_name() and key.startswith(
        tuple(blobs.full_key(prefix) for prefix in INTERNAL_KEYS)
    )


def record_events(events: Sequence[ObjectEvent]) -> RecordedEvents:
    """Queue the objects of events and complete uploads, in one transaction."""
    recorded = RecordedEvents()
    with transaction.atomic():
        # Events of direct uploads are in the same queue, and complete uploads whose browser was closed too early.
        keys = [blobs.relative_key(event.key) for event in events if event.kind == CREATED and _is_upload(event)]
        recorded.uploads = uploads.mark_uploaded_by_key(keys) if keys else 0
        rows = _rows(events, recorded)
        if rows:
            recorded.buckets = _upsert(rows)
        for bucket, etags in _sidecars(events):
            if sidecars.queue_changed(bucket, etags):
                recorded.buckets.add(bucket.pk)
    return recorded


def _sidecars(events: Sequence[ObjectEvent]) -> list[tuple[Bucket, dict[str, str]]]:
    """Buckets with the ETags of new sidecars by key."""
    sidecar_events = [event for event in events if event.kind == CREATED and is_sidecar(event.key)]
    buckets = Bucket.objects.filter(name__in={event.bucket for event in sidecar_events}) if sidecar_events else ()
    return [(bucket, _sidecars_of(bucket, sidecar_events)) for bucket in buckets]


def _sidecars_of(bucket: Bucket, events: Iterable[ObjectEvent]) -> dict[str, str]:
    accepts = key_filter_of(bucket).accepts_sidecar
    return {
        event.key: event.etag
        for event in events
        if event.bucket == bucket.name and accepts(event.key) and not is_internal_key(bucket.name, event.key)
    }


def _is_upload(event: ObjectEvent) -> bool:
    return event.bucket == blobs.bucket_name() and event.key.startswith(blobs.full_key(f"{blobs.UPLOADS}/"))


def _rows(events: Sequence[ObjectEvent], recorded: RecordedEvents) -> dict[tuple[int, str], ObjectEvent]:
    """The latest event of each object by (bucket id, key).

    Several buckets may index the same object.
    """
    by_name: dict[str, list[tuple[int, KeyFilter]]] = {}
    for bucket in Bucket.objects.filter(name__in={event.bucket for event in events}):
        by_name.setdefault(bucket.name, []).append((bucket.pk, key_filter_of(bucket)))
    rows: dict[tuple[int, str], ObjectEvent] = {}
    for event in events:
        if event.bucket not in by_name and event.bucket != blobs.bucket_name():
            # Kept, since the bucket may be added later and the dead-letter queue replayed then.
            recorded.unknown.add(event.bucket)
        if is_internal_key(event.bucket, event.key):
            continue
        for bucket_id, key_filter in by_name.get(event.bucket, ()):
            other = rows.get((bucket_id, event.key))
            if key_filter.accepts(event.key) and (other is None or event.is_after(other)):
                rows[bucket_id, event.key] = event
    return rows


def _upsert(rows: dict[tuple[int, str], ObjectEvent]) -> set[int]:
    """Queue objects, except for outdated events.

    Returns the ids of buckets with objects to import.
    """
    # Sorted by key, so that two consumers cannot deadlock.
    ordered = sorted(rows.items())
    with connection.cursor() as cursor:
        # Events come twice and out of order (AWS, "Event notification types and destinations"). So an event that is not
        # later than the row's, or is about the same version, changes nothing. The importer reads the object itself.
        cursor.execute(
            """
            INSERT INTO analysis_bucketobject AS seen
                (bucket_id, key, version_id, etag, size, sequencer, state, revision, attempts, error_code, reason)
            SELECT bucket_id, key, version_id, etag, size, sequencer, state, 0, 0,
                   CASE state WHEN 'gone' THEN 'gone' ELSE '' END, ''
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[])
                 AS event (bucket_id, key, version_id, etag, size, sequencer, state)
            ON CONFLICT (bucket_id, key) DO UPDATE
            SET state = 'waiting', revision = seen.revision + 1, attempts = 0, next_attempt_at = statement_timestamp(),
                sequencer = greatest(seen.sequencer, excluded.sequencer)
            WHERE (excluded.sequencer = '' OR excluded.sequencer > seen.sequencer)
              AND NOT (seen.state IN ('present', 'refused', 'dropped') AND excluded.etag <> ''
                       AND excluded.etag = seen.etag AND excluded.version_id IN ('', seen.version_id))
              AND NOT (seen.state IN ('gone', 'dropped') AND excluded.state = 'gone')
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


def queue_skipped(bucket_id: int) -> int:
    """Queue objects that were refused or could not be read; returns their number."""
    states = [BucketObject.State.REFUSED, BucketObject.State.FAILED]
    skipped = BucketObject.objects.filter(bucket_id=bucket_id, state__in=states)
    return skipped.update(
        state=BucketObject.State.WAITING, revision=F("revision") + 1, attempts=0, next_attempt_at=Now()
    )


def queue_objects(bucket_id: int, objects: Iterable[ObjectInfo]) -> None:
    """Queue listed objects, whatever their last state."""
    rows = sorted(objects, key=lambda info: info.key)  # in the lock order of _upsert
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO analysis_bucketobject AS seen
                (bucket_id, key, version_id, etag, size, sequencer, state, revision, attempts, error_code, reason)
            SELECT %s, key, '', etag, size, '', 'waiting', 0, 0, '', ''
            FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS listed (key, etag, size)
            ON CONFLICT (bucket_id, key) DO UPDATE
            SET state = 'waiting', revision = seen.revision + 1, attempts = 0, next_attempt_at = statement_timestamp()
            """,
            [bucket_id, [row.key for row in rows], [row.etag for row in rows], [row.size for row in rows]],
        )
