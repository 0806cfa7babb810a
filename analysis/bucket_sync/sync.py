"""Compares a bucket's listing with its objects in the database, page by page.

S3 lists keys in the order of their bytes, and the table's collation has the same order. Each page is compared with the
range of the table that it covers, so memory does not grow with the bucket. The position is saved after each page, for
the next run to continue there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis import leases
from analysis.aws import s3_objects
from analysis.aws.s3_objects import ObjectInfo
from analysis.bucket_sync import object_queue, sidecars
from analysis.models import Bucket, BucketObject
from analysis.storage import originals

LEASE = timedelta(seconds=120)
State = BucketObject.State

# ALL of an array instead of NOT IN (SELECT …), in which NULL has a special meaning; a page has a thousand keys.
_RANGE = "bucket_id = %s AND key > %s AND (%s::text IS NULL OR key <= %s) AND key <> ALL(%s) AND state <> 'gone'"
MARK_GONE = (
    f"UPDATE analysis_bucketobject SET state = 'gone' WHERE {_RANGE} AND image_id IS NULL AND state <> 'waiting'"
)
COUNT_MISSING = f"SELECT count(*) FROM analysis_bucketobject WHERE {_RANGE} AND image_id IS NOT NULL"
REQUEUE_MISSING = f"""
    WITH requeued AS (
        UPDATE analysis_bucketobject
        SET state = 'waiting', revision = revision + 1, attempts = 0, next_attempt_at = statement_timestamp()
        WHERE {_RANGE} AND image_id IS NOT NULL RETURNING id)
    SELECT count(*) FROM requeued
"""


class SyncRunning(Exception):
    """Another sync of the bucket is in progress."""


@dataclass
class SyncCounts:
    """Numbers of objects by outcome. `missing`: images whose object is not listed."""

    listed: int = 0
    new: int = 0
    unchanged: int = 0
    changed: int = 0
    missing: int = 0
    refused: int = 0
    skipped: int = 0
    failed_analyses: int = 0

    def add(self, other: SyncCounts) -> None:
        for name, number in asdict(other).items():
            setattr(self, name, getattr(self, name) + number)


@dataclass(frozen=True)
class SyncPage:
    """Counts so far after a page; `has_queued` if the page queued objects to import."""

    counts: SyncCounts
    has_queued: bool


@dataclass(frozen=True)
class SyncOptions:
    """`is_dry` writes nothing.

    `trash_missing` reads missing objects again, so that the gone ones are trashed.
    """

    is_dry: bool = False
    trash_missing: bool = False
    page_size: int = s3_objects.PAGE


def sync(bucket: Bucket, *, options: SyncOptions) -> Generator[SyncPage, None, None]:
    """Compare a bucket from where the last run stopped.

    Yields after each committed page.

    Close the iterator to stop; the next run continues. Raises SyncRunning, or AWSError if it cannot be listed.
    """
    total = _begin(bucket, options)
    after = "" if options.is_dry else bucket.cursor
    try:
        listing = s3_objects.pages(
            originals.client_of(bucket), bucket.name, prefix=bucket.prefix, after=after, size=options.page_size
        )
        # One page ahead, since only after the last page all further objects are missing.
        for page, is_last in _with_last(_prefetched(listing)):
            with transaction.atomic():
                # S3 may return an empty page before the last one, for example if a prefix has only delete markers.
                until = None if is_last else page[-1].key if page else after
                counts = _compare(bucket, page, after=after, until=until, options=options)
                total.add(counts)
                after = until or ""
                if not options.is_dry:
                    # In the transaction of the page, so that a run that is killed continues right after it.
                    _save_position(bucket, cursor=after, total=total, is_last=is_last)
            has_queued = bool(counts.new or counts.changed or (counts.missing and options.trash_missing))
            yield SyncPage(total, has_queued=has_queued and not options.is_dry)
    finally:
        if not options.is_dry:
            Bucket.objects.filter(pk=bucket.pk).update(sync_claimed_until=None)


def is_unfinished(bucket: Bucket) -> bool:
    """True if a sync has more pages to compare."""
    return Bucket.objects.filter(pk=bucket.pk).exclude(cursor="").exists()


def reset(bucket: Bucket) -> None:
    """Make the next run start from the first key."""
    Bucket.objects.filter(pk=bucket.pk).update(cursor="")


def count_failed(bucket: Bucket, *, failed: Iterable[tuple[str, int]], options: SyncOptions) -> int:
    """Save the number of images among (API, image id) pairs in the sync's report."""
    number = len({image_id for _, image_id in failed})
    if not options.is_dry:
        bucket.refresh_from_db(fields=["report"])
        Bucket.objects.filter(pk=bucket.pk).update(report={**bucket.report, "failed_analyses": number})
    return number


def is_free() -> Q:
    """Condition for buckets that no process is syncing."""
    return Q(sync_claimed_until=None) | leases.has_passed("sync_claimed_until")


def _begin(bucket: Bucket, options: SyncOptions) -> SyncCounts:
    if options.is_dry:
        return SyncCounts()
    if not Bucket.objects.filter(is_free(), pk=bucket.pk).update(sync_claimed_until=Now() + LEASE):
        sentence = _("A sync of %(bucket)s is already running. Wait until it has finished.")
        raise SyncRunning(sentence % {"bucket": bucket})
    # Another sync may have changed them between reading the bucket and claiming it.
    bucket.refresh_from_db(fields=["cursor", "report", "sync_started_at"])
    # Counters of an interrupted run, without those of an older version that no longer exist.
    if bucket.cursor:
        return SyncCounts(**{name: number for name, number in bucket.report.items() if hasattr(SyncCounts, name)})
    Bucket.objects.filter(pk=bucket.pk).update(
        sync_started_at=Now(), sync_ended_at=None, report={}, last_error="", paused_until=None
    )
    return SyncCounts()


def _save_position(bucket: Bucket, *, cursor: str, total: SyncCounts, is_last: bool) -> None:
    Bucket.objects.filter(pk=bucket.pk).update(
        cursor=cursor,
        report=asdict(total),
        sync_claimed_until=Now() + LEASE,
        sync_ended_at=Now() if is_last else None,
    )


def _compare(
    bucket: Bucket, page: list[ObjectInfo], *, after: str, until: str | None, options: SyncOptions
) -> SyncCounts:
    key_filter = object_queue.key_filter_of(bucket)
    selected = {
        info.key: info
        for info in page
        if key_filter.accepts(info.key) and not object_queue.is_internal_key(bucket.name, info.key)
    }
    rows = BucketObject.objects.filter(bucket=bucket, key__in=list(selected)).values_list("key", "etag", "state")
    known = {key: (etag, state) for key, etag, state in rows}
    counts = SyncCounts(listed=len(page), skipped=len(page) - len(selected))
    to_import = []
    for info in selected.values():
        outcome = _outcome(info, known.get(info.key))
        setattr(counts, outcome, getattr(counts, outcome) + 1)
        if outcome in {"new", "changed"}:
            to_import.append(info)
    if not options.is_dry:
        if to_import:
            object_queue.queue_objects(bucket.pk, to_import)
        beside = [info for info in page if key_filter.accepts_sidecar(info.key)]
        # The key of a picture sorts before its sidecar's, so its row exists by now.
        counts.changed += sidecars.queue_changed(bucket, {info.key: info.etag for info in beside})
    counts.missing = _missing(bucket, [info.key for info in page], after=after, until=until, options=options)
    return counts


def _outcome(info: ObjectInfo, known: tuple[str, str] | None) -> str:
    """The field of SyncCounts for a listed object, by its last (etag, state).

    "changed" includes objects that failed before or came back.
    """
    if known is None:
        return "new"
    etag, state = known
    # Compared by ETag only, since a listing has neither version nor sequencer. Waiting objects are read again anyway.
    if state in {State.GONE, State.FAILED} or (state != State.WAITING and etag != info.etag):
        return "changed"
    return "refused" if state == State.REFUSED else "unchanged"


def _missing(bucket: Bucket, keys: list[str], *, after: str, until: str | None, options: SyncOptions) -> int:
    """Number of images in this range whose object is not listed.

    Marks unlisted objects without image as gone, except waiting ones, which may be newer than the listing.
    """
    values: list[Any] = [bucket.pk, after, until, until, keys]
    with connection.cursor() as cursor:
        if not options.is_dry:
            cursor.execute(MARK_GONE, values)
        cursor.execute(REQUEUE_MISSING if options.trash_missing and not options.is_dry else COUNT_MISSING, values)
        return int(cursor.fetchone()[0])


def _prefetched(pages: Iterator[list[ObjectInfo]]) -> Iterator[list[ObjectInfo]]:
    """Request the next page while the caller compares this one."""
    # So that S3 and the database work in parallel. The thread uses no database connection, which Django would not
    # close.
    with ThreadPoolExecutor(1, thread_name_prefix="list") as thread:
        request = thread.submit(next, pages, None)
        while (page := request.result()) is not None:
            request = thread.submit(next, pages, None)
            yield page


def _with_last(pages: Iterator[list[ObjectInfo]]) -> Iterator[tuple[list[ObjectInfo], bool]]:
    """Pages, each with True if it is the last one, which may be empty."""
    page = next(pages, None)
    while page is not None:
        following = next(pages, None)
        yield page, following is None
        page = following
