"""The pipeline's asynchronous half. Every task is safe to run twice; the database says what there is to do."""

from __future__ import annotations

import shlex
import time
from collections.abc import Collection
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from analysis.aws.errors import AWSError
from analysis.batches import lifecycle, progress, queueing, report
from analysis.bucket_sync import connection_check, importer, sync
from analysis.bucket_sync.object_import import ImportHooks
from analysis.bucket_sync.object_queue import RecordedEvents
from analysis.curation import bulk, bulk_steps, trash
from analysis.health import heartbeat as health_heartbeat
from analysis.health import watchdog
from analysis.library import duplicate_flags, uploads
from analysis.models import Batch, Bucket, Image
from analysis.recognition import claims, engine_runner, enqueue, failed_analyses, ledger, outages, registry
from analysis.recognition import reindex_label as recognition_reindex_label
from analysis.recognition.search_index import reindex
from analysis.search.label_counts import refresh_label_counts as _refresh_label_counts
from analysis.statistics import aggregation
from analysis.storage import blobs

SYNC_RUN_SECONDS = 60.0
"""Seconds after which a sync has itself announced again, long before the broker would."""


class OnCommitTask(DjangoTask):  # type: ignore[type-arg]
    """A task whose announcement may fail: the row is committed, and the sweeper announces it again."""

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        def announce() -> None:  # a function, since Django's log names it when it fails
            self.delay(*args, **kwargs)

        transaction.on_commit(announce, robust=True)


@shared_task(base=OnCommitTask)
def run_recognition(*, recognizer: str, api: str) -> None:
    """There may be work for this API: do it until there is none."""
    if engine_runner.run(recognizer, api):
        run_recognition.delay(recognizer=recognizer, api=api)


def analyze(image: Image, *, apis: Collection[str] = (), is_bulk: bool = False) -> None:
    """Have a picture asked about, by those of these APIs that there are, or by the wanted ones; in its transaction."""
    if image.file_keywords.exists():
        reindex([image.pk], apis=())  # its tags are found at once
    asked = [api for api in registry.current().apis if api in apis] or registry.wanted_apis()
    if enqueue.enqueue([image.pk], apis=asked, is_bulk=is_bulk):
        for api in asked:
            run_recognition.delay_on_commit(recognizer=registry.current().name, api=api)


@shared_task(base=OnCommitTask)
def check_uploads() -> None:
    """Something may have arrived past the web server: look at it until nothing is left."""
    if uploads.validate_pending(then=analyze):
        check_uploads.delay()


@shared_task(base=OnCommitTask)
def import_bucket_objects(*, bucket_id: int) -> None:
    """Something may wait to be read in a bucket: read until nothing does."""
    if importer.import_pending(bucket_id, consequences=ImportHooks(kept=_kept, lost=_lost)):
        import_bucket_objects.delay(bucket_id=bucket_id)


@shared_task(base=OnCommitTask)
def sync_bucket(*, bucket_id: int, trash_missing: bool = False) -> None:
    """Compare a bucket with what is known of it, for a while; then whoever is next goes on from there."""
    bucket = Bucket.objects.get(pk=bucket_id)
    end = time.monotonic() + SYNC_RUN_SECONDS
    options = sync.SyncOptions(trash_missing=trash_missing)
    announce_work = partial(import_bucket_objects.delay, bucket_id=bucket_id)
    try:
        with closing(sync.sync(bucket, options=options, announce=announce_work)) as pages:
            if all(time.monotonic() < end for _ in pages):
                sync.count_failed(bucket, failed=failed_analyses.latest_failed(bucket_id), options=options)
                return
    except sync.SyncRunning:
        return  # somebody else does it
    except AWSError as refusal:
        Bucket.objects.filter(pk=bucket_id).update(trouble=connection_check.describe_list_error(bucket, refusal))
        return
    sync_bucket.delay(bucket_id=bucket_id, trash_missing=trash_missing)


def announce_events(noted: RecordedEvents) -> None:
    """Have worked on what news has brought, on commit."""
    for bucket_id in noted.buckets:
        import_bucket_objects.delay_on_commit(bucket_id=bucket_id)
    if noted.uploads:
        check_uploads.delay_on_commit()


def _kept(image: Image, is_new: bool) -> None:
    if not is_new:
        reindex([image.pk])  # it may come back from the trash
    analyze(image, apis=image.bucket.apis if image.bucket else (), is_bulk=True)


def _lost(image_id: int, at: datetime) -> None:
    trash.trash([image_id], at=at)


@shared_task(base=OnCommitTask)
def queue_batch(*, batch_id: int) -> None:
    """Queue more of a batch, and have it worked on."""
    batch = Batch.objects.get(pk=batch_id)
    for api in queueing.queue_next(batch_id):
        run_recognition.delay(recognizer=batch.recognizer, api=api)


@shared_task(base=OnCommitTask)
def continue_bulk_change(*, change_id: int) -> None:
    """Go through more of the pictures that a bulk command is about."""
    if bulk_steps.continue_change(change_id):
        continue_bulk_change.delay(change_id=change_id)


@shared_task(base=OnCommitTask)
def reindex_label(*, label_id: int) -> None:
    """Index more of the pictures anew that a changed label concerns."""
    if recognition_reindex_label.reindex_label(label_id):
        reindex_label.delay(label_id=label_id)


@shared_task(base=OnCommitTask)
def sweep() -> None:
    """Announce again what nobody may have heard of, and see to the batches."""
    outages.forget_idle()
    bulk.delete_expired()
    for label_id in recognition_reindex_label.waiting():
        reindex_label.delay(label_id=label_id)
    for change_id in bulk_steps.pending_ids():
        continue_bulk_change.delay(change_id=change_id)
    for recognizer, api in claims.apis_with_due_work():
        run_recognition.delay(recognizer=recognizer, api=api)
    advance_batches()
    if uploads.is_due():
        check_uploads.delay()
    for bucket_id in importer.due_buckets():
        import_bucket_objects.delay(bucket_id=bucket_id)
    watchdog.log_stalls()


def advance_batches() -> None:
    """Lay out more of those that run, end those that are done or without money, have reports mailed."""
    unfinished = lifecycle.advance_batches()
    for batch_id in report.pending_reports():
        mail_report.delay(batch_id=batch_id)
    for batch_id in unfinished:
        queue_batch.delay(batch_id=batch_id)


@shared_task(base=OnCommitTask)
def mail_report(*, batch_id: int) -> None:
    report.send_report(batch_id)


@shared_task(base=OnCommitTask)
def analyze_on_schedule() -> None:
    """What ANALYZE_OPTIONS says, as a person would have typed it."""
    call_command("analyze_images", "--yes", "--detach", *shlex.split(settings.ANALYZE_OPTIONS))


@shared_task(base=OnCommitTask)
def sweep_blobs() -> None:
    uploads.sweep()
    blobs.sweep(older_than=timedelta(hours=1))


@shared_task(base=OnCommitTask)
def refresh_label_counts() -> None:
    _refresh_label_counts()
    duplicate_flags.mark_overdue()


@shared_task(base=OnCommitTask)
def refresh_statistics() -> None:
    aggregation.refresh_due()


@shared_task(base=OnCommitTask)
def heartbeat() -> None:
    health_heartbeat.record()


@shared_task(base=OnCommitTask)
def fold_spend() -> None:
    ledger.fold()
    progress.fold()


@worker_shutting_down.connect
def end_engines(**_: Any) -> None:
    engine_runner.shut_down()
