"""A bucket compared with what is known of it, page by page: what is new, changed or missing is to be looked at.

S3 lists keys in the order of their bytes, and the table has them in the same order: each page is compared with the
stretch of the table that it covers, so memory stays the same however many there are, and after each page the place is
written down, from where another run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from analysis.aws import s3_objects
from analysis.aws.s3_objects import ObjectInfo
from analysis.bucket_sync import object_queue
from analysis.models import Bucket, BucketObject
from analysis.storage import originals

LEASE = timedelta(seconds=120)
State = BucketObject.State

_STRETCH = "bucket_id = %s AND key > %s AND (%s::text IS NULL OR key <= %s) AND key <> ALL(%s) AND state <> 'gone'"
FORGET = f"UPDATE analysis_bucketobject SET state = 'gone' WHERE {_STRETCH} AND image_id IS NULL AND state <> 'waiting'"  # noqa: S608
COUNT = f"SELECT count(*) FROM analysis_bucketobject WHERE {_STRETCH} AND image_id IS NOT NULL"  # noqa: S608
LOOK_AGAIN = f"""
    WITH again AS (
        UPDATE analysis_bucketobject
        SET state = 'waiting', revision = revision + 1, attempts = 0, next_attempt_at = statement_timestamp()
        WHERE {_STRETCH} AND image_id IS NOT NULL RETURNING id)
    SELECT count(*) FROM again
"""  # noqa: S608


class SyncRunning(Exception):
    """Somebody is at it."""


@dataclass
class SyncCounts:
    """So many objects, by what became of the comparison. `missing`: pictures here whose object is not listed."""

    listed: int = 0
    new: int = 0
    known: int = 0
    changed: int = 0
    missing: int = 0
    refused: int = 0
    skipped: int = 0
    failed_analyses: int = 0

    def add(self, other: SyncCounts) -> None:
        for name, number in asdict(other).items():
            setattr(self, name, getattr(self, name) + number)


@dataclass(frozen=True)
class SyncOptions:
    """`is_dry`: nothing is written. `trash_missing`: what is not listed is looked for, and trashed if it is gone."""

    is_dry: bool = False
    trash_missing: bool = False
    page_size: int = s3_objects.PAGE


def sync(bucket: Bucket, *, options: SyncOptions, announce: Callable[[], object]) -> Generator[SyncCounts, None, None]:
    """Compare everything, from where the last run was stopped; yields what was found so far after each page.

    `announce` is called on the commit of a page with something to be read. Stop by closing the iterator. Raises Busy,
    or Refused with what the bucket says; then the next run goes on from there.
    """
    total = _begin(bucket, options)
    after = "" if options.is_dry else bucket.cursor
    try:
        listing = s3_objects.pages(
            originals.client_of(bucket), bucket.name, prefix=bucket.prefix, after=after, size=options.page_size
        )
        for page, is_last in _with_last(_ahead(listing)):
            with transaction.atomic():
                until = None if is_last else page[-1].key if page else after
                found = _compare(bucket, page, after=after, until=until, options=options)
                total.add(found)
                after = until or ""
                if not options.is_dry:
                    _check_point(bucket, cursor=after, total=total, is_last=is_last)
                    if found.new or found.changed or (found.missing and options.trash_missing):
                        transaction.on_commit(announce, robust=True)
            yield total
    finally:
        if not options.is_dry:
            Bucket.objects.filter(pk=bucket.pk).update(sync_claimed_until=None)


def reset(bucket: Bucket) -> None:
    """Have the next run begin anew."""
    Bucket.objects.filter(pk=bucket.pk).update(cursor="")


def count_failed(bucket: Bucket, *, failed: Iterable[tuple[str, int]], options: SyncOptions) -> int:
    """How many pictures' analyses failed last, of these APIs and pictures; written into the report of the sync."""
    number = len({image_id for _, image_id in failed})
    if not options.is_dry:
        bucket.refresh_from_db(fields=["report"])
        Bucket.objects.filter(pk=bucket.pk).update(report={**bucket.report, "failed_analyses": number})
    return number


def _begin(bucket: Bucket, options: SyncOptions) -> SyncCounts:
    if options.is_dry:
        return SyncCounts()
    free = Q(sync_claimed_until=None) | Q(sync_claimed_until__lt=Now())
    if not Bucket.objects.filter(free, pk=bucket.pk).update(sync_claimed_until=Now() + LEASE):
        raise SyncRunning(f"A sync of {bucket} is under way; wait until it has ended.")
    bucket.refresh_from_db(fields=["cursor", "report", "sync_started_at"])
    if bucket.cursor:
        return SyncCounts(**{name: number for name, number in bucket.report.items() if hasattr(SyncCounts, name)})
    Bucket.objects.filter(pk=bucket.pk).update(
        sync_started_at=Now(), sync_ended_at=None, report={}, trouble="", paused_until=None
    )
    return SyncCounts()


def _check_point(bucket: Bucket, *, cursor: str, total: SyncCounts, is_last: bool) -> None:
    said = {"cursor": cursor, "report": asdict(total), "sync_claimed_until": Now() + LEASE}
    Bucket.objects.filter(pk=bucket.pk).update(**said, sync_ended_at=Now() if is_last else None)


def _compare(
    bucket: Bucket, page: list[ObjectInfo], *, after: str, until: str | None, options: SyncOptions
) -> SyncCounts:
    selection = object_queue.key_filter_of(bucket)
    wanted = {
        each.key: each
        for each in page
        if selection.takes(each.key) and not object_queue.is_internal_key(bucket.name, each.key)
    }
    known = {
        key: (etag, state)
        for key, etag, state in BucketObject.objects.filter(bucket=bucket, key__in=list(wanted)).values_list(
            "key", "etag", "state"
        )
    }
    found = SyncCounts(listed=len(page), skipped=len(page) - len(wanted))
    to_read = []
    for each in wanted.values():
        what = _judged(each, known.get(each.key))
        setattr(found, what, getattr(found, what) + 1)
        if what in {"new", "changed"}:
            to_read.append(each)
    if to_read and not options.is_dry:
        object_queue.queue_objects(bucket.pk, to_read)
    found.missing = _missing(bucket, [each.key for each in page], after=after, until=until, options=options)
    return found


def _judged(each: ObjectInfo, known: tuple[str, str] | None) -> str:
    """Whether an object is new, changed (or to be tried again, or back), refused before, or known."""
    if known is None:
        return "new"
    etag, state = known
    if state in {State.GONE, State.FAILED} or (state != State.WAITING and etag != each.etag):
        return "changed"
    return "refused" if state == State.REFUSED else "known"


def _missing(bucket: Bucket, listed: list[str], *, after: str, until: str | None, options: SyncOptions) -> int:
    """How many pictures of this stretch are not listed. What never became a picture is forgotten on the way,
    but for what waits: it may have come since the page was listed.
    """
    values: list[Any] = [bucket.pk, after, until, until, listed]
    with connection.cursor() as cursor:
        if not options.is_dry:
            cursor.execute(FORGET, values)
        cursor.execute(LOOK_AGAIN if options.trash_missing and not options.is_dry else COUNT, values)
        return int(cursor.fetchone()[0])


def _ahead(pages: Iterator[list[ObjectInfo]]) -> Iterator[list[ObjectInfo]]:
    """The next page is fetched while this one is compared."""
    with ThreadPoolExecutor(1, thread_name_prefix="list") as thread:
        coming = thread.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = thread.submit(next, pages, None)
            yield page


def _with_last(pages: Iterator[list[ObjectInfo]]) -> Iterator[tuple[list[ObjectInfo], bool]]:
    """Each page, and whether it is the last one, which may be empty."""
    page = next(pages, None)
    while page is not None:
        following = next(pages, None)
        yield page, following is None
        page = following
