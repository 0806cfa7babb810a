"""Celery tasks.

Each may run twice: the database is the source of truth about work, and messages only carry ids.
"""

from __future__ import annotations

import shlex
from typing import Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from analysis import jobs, pipeline, task_queue
from analysis.audit_log import retention
from analysis.batches import lifecycle, progress, queueing, report
from analysis.bucket_sync import object_reader
from analysis.curation import bulk, bulk_steps, collections, trash_deletion
from analysis.delivery import alert_digests, events, outbox, sender, sink_runs
from analysis.exports import background as background_exports
from analysis.health import heartbeat as health_heartbeat
from analysis.health import watchdog
from analysis.library import backfills, duplicate_flags, resumable_uploads, uploads
from analysis.models import AttemptCount, Batch, IdempotentRequest
from analysis.recognition import claims, engine_runner, ledger, outages
from analysis.recognition import reindex_ancestors as recognition_reindex_ancestors
from analysis.recognition import reindex_label as recognition_reindex_label
from analysis.recognition.embeddings import compute as embedding_compute
from analysis.recognition.embeddings import queue as embedding_queue
from analysis.search.label_counts import refresh_label_counts as _refresh_label_counts
from analysis.sharing import share_links
from analysis.statistics import aggregation
from analysis.storage import original_deletion, orphaned_files
from imagelib.accounts.session_store import SessionStore


class OnCommitTask(DjangoTask):
    """A task whose message may get lost when it is sent on commit.

    Its row is saved, so the sweeper sends it again. Without a broker nothing is sent: `manage.py work` finds the rows,
    and runs the tasks sent within its process itself.
    """

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:  # type: ignore[override]
        if task_queue.put(self.name, kwargs or {}) or not settings.CELERY_BROKER_URL:
            return None
        return super().apply_async(args, kwargs, **options)

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        def send() -> None:  # not a partial, since Django logs the name of a function that fails
            self.delay(*args, **kwargs)

        # robust, since a broker that is down must not break a request whose data is saved.
        transaction.on_commit(send, robust=True)


# Tasks run for a limited time and send themselves again, long before the broker would deliver them a second time.
@shared_task(base=OnCommitTask)
def run_recognition(*, recognizer: str, api: str) -> None:
    if engine_runner.run(recognizer, api):
        run_recognition.delay(recognizer=recognizer, api=api)


@shared_task(base=OnCommitTask)
def check_uploads() -> None:
    if pipeline.validate_uploads():
        check_uploads.delay()


@shared_task(base=OnCommitTask)
def import_bucket_objects(*, bucket_id: int) -> None:
    for due_id in pipeline.import_bucket_objects(bucket_id):
        import_bucket_objects.delay(bucket_id=due_id)


@shared_task(base=OnCommitTask)
def sync_bucket(*, bucket_id: int, trash_missing: bool = False) -> None:
    if pipeline.continue_sync(bucket_id, trash_missing=trash_missing):
        sync_bucket.delay(bucket_id=bucket_id, trash_missing=trash_missing)


@shared_task(base=OnCommitTask)
def queue_batch(*, batch_id: int) -> None:
    batch = Batch.objects.get(pk=batch_id)
    for api in queueing.queue_next(batch_id):
        run_recognition.delay(recognizer=batch.recognizer, api=api)


@shared_task(base=OnCommitTask)
def continue_bulk_change(*, change_id: int) -> None:
    if bulk_steps.continue_change(change_id):
        continue_bulk_change.delay(change_id=change_id)


@shared_task(base=OnCommitTask)
def reindex_label(*, label_id: int) -> None:
    if recognition_reindex_label.reindex_label(label_id):
        reindex_label.delay(label_id=label_id)


@shared_task(base=OnCommitTask)
def reindex_ancestors() -> None:
    if recognition_reindex_ancestors.reindex_ancestors():
        reindex_ancestors.delay()


@shared_task(base=OnCommitTask)
def run_backfills() -> None:
    if backfills.run_backfills():
        run_backfills.delay()


@shared_task(base=OnCommitTask)
def compute_embeddings() -> None:
    """Compute embeddings that are due."""
    # Only the sweeper sends this task first, since nobody waits for the result.
    if embedding_compute.compute_due():
        compute_embeddings.delay()


@shared_task(base=OnCommitTask)
def write_export(*, export_id: int) -> None:
    background_exports.run(export_id)


@shared_task(base=OnCommitTask)
def delete_trash(*, deletion_id: int) -> None:
    if pipeline.continue_deletion(deletion_id):
        delete_trash.delay(deletion_id=deletion_id)


@shared_task(base=OnCommitTask)
def delete_originals() -> None:
    if pipeline.delete_originals():
        delete_originals.delay()


@shared_task(base=OnCommitTask)
def delete_expired_trash() -> None:
    """Start deleting pictures that have been in the trash for TRASH_DAYS."""
    pipeline.delete_expired_trash()


@shared_task(base=OnCommitTask)
def delete_expired_audit_entries() -> None:
    retention.delete_expired()


@shared_task(base=OnCommitTask)
def compare_changed_images() -> None:
    if events.compare_due():
        compare_changed_images.delay()
    elif alert_digests.is_due():
        compose_alert_messages.delay()
    elif outbox.is_due():
        send_deliveries.delay()


@shared_task(base=OnCommitTask)
def compose_alert_messages() -> None:
    if alert_digests.compose_due():
        compose_alert_messages.delay()
    elif outbox.is_due():
        send_deliveries.delay()


@shared_task(base=OnCommitTask)
def send_deliveries() -> None:
    if sender.send_due():
        send_deliveries.delay()
    elif sink_runs.is_due():
        queue_existing_images.delay()


@shared_task(base=OnCommitTask)
def queue_existing_images() -> None:
    if sink_runs.queue_due():
        queue_existing_images.delay()
    elif outbox.is_due():
        send_deliveries.delay()


@shared_task(base=OnCommitTask)
def sweep() -> None:
    """Send tasks for all due work, as messages may be lost; advance bulk runs."""
    outages.delete_idle()
    bulk.delete_expired()
    for label_id in recognition_reindex_label.pending_label_ids():
        reindex_label.delay(label_id=label_id)
    if recognition_reindex_ancestors.is_pending():
        reindex_ancestors.delay()
    if backfills.is_pending():
        run_backfills.delay()
    for change_id in bulk_steps.pending_ids():
        continue_bulk_change.delay(change_id=change_id)
    continue_deletions()
    for recognizer, api in claims.apis_with_due_work():
        run_recognition.delay(recognizer=recognizer, api=api)
    advance_batches()
    if uploads.is_due():
        check_uploads.delay()
    for bucket_id, trash_missing in pipeline.requested_syncs():
        sync_bucket.delay(bucket_id=bucket_id, trash_missing=trash_missing)
    for bucket_id in object_reader.due_buckets():
        import_bucket_objects.delay(bucket_id=bucket_id)
    for export_id in background_exports.due_ids():
        write_export.delay(export_id=export_id)
    if embedding_queue.is_due():
        compute_embeddings.delay()
    continue_deliveries()
    watchdog.log_stalls()


def continue_deliveries() -> None:
    """Write and send messages that are due."""
    # compare_changed_images sends the following tasks itself when it has ended.
    if events.is_due():
        compare_changed_images.delay()
    elif outbox.is_due():
        send_deliveries.delay()
    if sink_runs.is_due():
        queue_existing_images.delay()
    if alert_digests.is_due():
        compose_alert_messages.delay()


def continue_deletions() -> None:
    """Delete more pictures of open requests, and originals that are due."""
    for deletion_id in trash_deletion.pending_ids():
        delete_trash.delay(deletion_id=deletion_id)
    if original_deletion.is_due():
        delete_originals.delay()


def advance_batches() -> None:
    """Queue more analyses of bulk runs, end finished runs, and mail reports."""
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
    """Run `manage.py analyze_images` with the options of the setting ANALYZE_OPTIONS."""
    call_command("analyze_images", "--yes", "--detach", *shlex.split(settings.ANALYZE_OPTIONS))


@shared_task(base=OnCommitTask)
def delete_expired() -> None:
    resumable_uploads.abort_expired()
    uploads.delete_expired()
    background_exports.delete_expired()
    collections.delete_expired()
    share_links.delete_expired()
    IdempotentRequest.delete_expired()
    AttemptCount.delete_expired()
    outbox.delete_expired()
    SessionStore.clear_expired()
    # Last, since it deletes the files whose rows were deleted above.
    orphaned_files.delete(older_than=orphaned_files.MIN_AGE)


@shared_task(base=OnCommitTask)
def refresh_label_counts() -> None:
    recognition_reindex_ancestors.refresh_all()
    _refresh_label_counts()
    duplicate_flags.mark_recent()


@shared_task(base=OnCommitTask)
def refresh_statistics() -> None:
    aggregation.refresh_due()


@shared_task(base=OnCommitTask)
def heartbeat() -> None:
    health_heartbeat.record()


@shared_task(base=OnCommitTask)
def fold_spend() -> None:
    ledger.aggregate_entries()
    progress.fold()


# Celery's warm shutdown waits for tasks in progress, which therefore end after their current step.
@worker_shutting_down.connect
def end_jobs(**_: Any) -> None:
    jobs.shut_down()
