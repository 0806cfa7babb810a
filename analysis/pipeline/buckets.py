"""Images in buckets: events, syncs, and the import of their objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import groupby
from operator import itemgetter

from django.db import transaction

from analysis import jobs, tasks
from analysis.aws.errors import AWSError
from analysis.aws.sqs import SqsMessage, SqsQueue
from analysis.bucket_sync import connection_check, event_consumer, object_import, object_queue, object_reader, sync
from analysis.bucket_sync.object_queue import RecordedEvents
from analysis.curation import trash
from analysis.models import Bucket, BucketObject, Image
from analysis.pipeline.images import RUN_SECONDS, process_new, request_analysis
from analysis.recognition import claims
from analysis.recognition.reindex_images import reindex

RETRY_STEP = 10_000
"""Failed pictures queued again in one transaction."""


def consume_events(
    queue: SqsQueue,
    *,
    stop: event_consumer.StopFlag,
    until_empty: bool = False,
    max_failures: int | None = None,
    on_poll: Callable[[], None] = lambda: None,
) -> Iterator[event_consumer.EventCounts]:
    """Import objects reported by S3 events until stopped; yields counts per batch."""
    batches = event_consumer.consume(
        queue, stop=stop, until_empty=until_empty, max_failures=max_failures, on_poll=on_poll
    )
    for batch in batches:
        _process_recorded(batch.recorded)
        yield batch.counts


def record_events(messages: list[SqsMessage]) -> dict[str, str]:
    """Import objects reported by messages of S3.

    Returns the reasons why messages are unusable, by id.
    """
    batch = event_consumer.record_messages(messages)
    _process_recorded(batch.recorded)
    return batch.unusable


def replay_events(dead_letters: SqsQueue) -> Iterator[event_consumer.ReplayedMessage]:
    """Import objects reported by a dead-letter queue; yields each message.

    Raises AWSError.
    """
    for replayed in event_consumer.replay(dead_letters):
        _process_recorded(replayed.recorded)
        yield replayed


def _process_recorded(recorded: RecordedEvents) -> None:
    # One message per bucket, since workers claim rows until none waits: a thousand events need one message.
    for bucket_id in recorded.buckets:
        tasks.import_bucket_objects.delay_on_commit(bucket_id=bucket_id)
    if recorded.uploads:
        tasks.check_uploads.delay_on_commit()


def start_sync(bucket_id: int, *, trash_missing: bool = False) -> None:
    """Sync a bucket in a worker."""
    Bucket.objects.filter(pk=bucket_id).update(requested_sync=_kind(trash_missing))
    tasks.sync_bucket.delay_on_commit(bucket_id=bucket_id, trash_missing=trash_missing)


def requested_syncs() -> list[tuple[int, bool]]:
    """Id of each bucket whose requested sync does not run, and `trash_missing`."""
    waiting = Bucket.objects.filter(sync.is_free()).exclude(requested_sync="")
    return [
        (bucket_id, requested == Bucket.RequestedSync.TRASH_MISSING)
        for bucket_id, requested in waiting.order_by("pk").values_list("pk", "requested_sync")
    ]


def continue_sync(bucket_id: int, *, trash_missing: bool) -> bool:
    """Sync a bucket for a while; True if pages are left.

    An error of listing is saved with the bucket.
    """
    bucket = Bucket.objects.get(pk=bucket_id)
    try:
        is_unfinished = _sync_for_a_while(bucket, options=sync.SyncOptions(trash_missing=trash_missing))
    except sync.SyncRunning:  # the sweeper sends the task again when the other one has ended
        return False
    if not is_unfinished:
        # Only this request: another kind of sync may have been requested in the meantime.
        Bucket.objects.filter(pk=bucket_id, requested_sync=_kind(trash_missing)).update(requested_sync="")
    return is_unfinished


def _kind(trash_missing: bool) -> Bucket.RequestedSync:
    return Bucket.RequestedSync.TRASH_MISSING if trash_missing else Bucket.RequestedSync.COMPARE


def _sync_for_a_while(bucket: Bucket, *, options: sync.SyncOptions) -> bool:
    end = time.monotonic() + RUN_SECONDS
    try:
        # closing() ends the generator now and so releases the claim of the sync, for which the garbage collector would
        # take its time.
        with closing(sync_bucket(bucket, options=options)) as pages:
            return any(jobs.is_over(end) and sync.is_unfinished(bucket) for _counts in pages)
    except AWSError as error:
        last_error = connection_check.describe_list_error(bucket, error)
        Bucket.objects.filter(pk=bucket.pk).update(last_error=last_error)
        return False


def sync_bucket(
    bucket: Bucket, *, options: sync.SyncOptions, retries_failed: bool = False
) -> Generator[sync.SyncCounts, None, None]:
    """Compare a bucket with the library and import what is new or changed.

    Yields counts after each page.

    `retries_failed`: queue the images again whose last analysis failed. Close the iterator to stop; the next run
    continues. Raises SyncRunning or AWSError.
    """
    counts = sync.SyncCounts()
    with closing(sync.sync(bucket, options=options)) as pages:
        for page in pages:
            counts = page.counts
            if page.has_queued:
                # Sent now, since the page is committed. The sweeper sends a lost message again.
                tasks.import_bucket_objects.delay_on_commit(bucket_id=bucket.pk)
            yield counts
    counts.failed_analyses = sync.count_failed(bucket, options=options, failed=claims.latest_failed(bucket.pk))
    if retries_failed and not options.is_dry:
        retry_failed(bucket)
    yield counts


def import_bucket_objects(bucket_id: int) -> list[int]:
    """Import the waiting objects of a bucket for a while.

    Returns the ids of the buckets to continue with, if some are left.
    """
    if not object_reader.SLOTS.acquire(blocking=False):
        return []  # other importers of this process continue until none waits
    try:
        end = time.monotonic() + RUN_SECONDS
        while not jobs.is_over(end):
            row = object_reader.claim(bucket_id)
            if row is None:
                return []
            import_object(row)
        return object_reader.due_buckets(after=bucket_id)  # in turns, or a large one would keep all SLOTS for days
    finally:
        object_reader.SLOTS.release()


def import_object(row: BucketObject) -> None:
    """Read a claimed object; its image is added, gets a new original, or is trashed."""
    outcome = object_reader.read(row)
    if outcome is None:
        return
    # One transaction for the rows of the object and its picture, since a crash in between would import it twice.
    with transaction.atomic():
        result = object_import.save(row, outcome)
        if result.image:
            if not result.is_new:
                reindex([result.image.pk])  # it may have been restored from the trash
            if not result.is_same_file:
                process_new(result.image, apis=row.bucket.apis, is_bulk=True)
        if result.removed_image_id and result.removed_at:
            removed = Image.objects.get(pk=result.removed_image_id)
            trash.trash_image(removed, by_id=None, at=result.removed_at)


def retry_skipped(bucket: Bucket) -> int:
    """Read objects again that were refused or could not be read.

    Returns their number. The reason may be gone, such as a limit of the settings.
    """
    with transaction.atomic():
        number = object_queue.queue_skipped(bucket.pk)
        tasks.import_bucket_objects.delay_on_commit(bucket_id=bucket.pk)
    return number


def retry_failed(bucket: Bucket) -> int:
    """Queue a bucket's images again whose last analysis failed.

    Returns the number of images.
    """
    failed = claims.latest_failed(bucket.pk)
    for api, pairs in groupby(failed, key=itemgetter(0)):
        image_ids = [image_id for _api, image_id in pairs]
        # In steps, since all pictures of a bucket fail if, for example, their originals were deleted.
        for start in range(0, len(image_ids), RETRY_STEP):
            request_analysis(image_ids=image_ids[start : start + RETRY_STEP], apis=[api], is_bulk=True)
    return len({image_id for _api, image_id in failed})
