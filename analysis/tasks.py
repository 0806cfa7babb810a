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

from analysis.batches import layout, progress, report, states
from analysis.curation import bulk, later, trash
from analysis.figures import kept
from analysis.health import pulse, watchdog
from analysis.models import Batch, Bucket, Image
from analysis.recognition import asking, engines, ledger, outages, recognizers, renewing, reread, waiting
from analysis.recognition.index import reindex
from analysis.search.counts import refresh_counts
from analysis.sources.refusals import Refused
from analysis.store import blobs, connection, reading, repeated, syncing, uploads
from analysis.store.adoption import Consequences
from analysis.store.arrivals import Noted

SYNC_SPELL = 60.0
"""Seconds after which a sync has itself announced again, long before the broker would."""


class OnCommitTask(DjangoTask):  # type: ignore[type-arg]
    """A task whose announcement may fail: the row is committed, and the sweeper announces it again."""

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        def announce() -> None:  # a function, since Django's log names it when it fails
            self.delay(*args, **kwargs)

        transaction.on_commit(announce, robust=True)


@shared_task(base=OnCommitTask)
def work(*, recognizer: str, api: str) -> None:
    """There may be work for this API: do it until there is none."""
    if engines.run(recognizer, api):
        work.delay(recognizer=recognizer, api=api)


def analyze(image: Image, *, apis: Collection[str] = (), is_bulk: bool = False) -> None:
    """Have a picture asked about, by those of these APIs that there are, or by the wanted ones; in its transaction."""
    asked = [api for api in recognizers.current().apis if api in apis] or recognizers.wanted_apis()
    if asking.enqueue([image.pk], apis=asked, is_bulk=is_bulk):
        for api in asked:
            work.delay_on_commit(recognizer=recognizers.current().name, api=api)


@shared_task(base=OnCommitTask)
def check_uploads() -> None:
    """Something may have arrived past the web server: look at it until nothing is left."""
    if uploads.check_arrived(then=analyze):
        check_uploads.delay()


@shared_task(base=OnCommitTask)
def read_bucket(*, bucket_id: int) -> None:
    """Something may wait to be read in a bucket: read until nothing does."""
    if reading.read_waiting(bucket_id, consequences=Consequences(kept=_kept, lost=_lost)):
        read_bucket.delay(bucket_id=bucket_id)


@shared_task(base=OnCommitTask)
def sync_bucket(*, bucket_id: int, trashes_missing: bool = False) -> None:
    """Compare a bucket with what is known of it, for a while; then whoever is next goes on from there."""
    bucket = Bucket.objects.get(pk=bucket_id)
    end = time.monotonic() + SYNC_SPELL
    options = syncing.Options(trashes_missing=trashes_missing)
    announce_work = partial(read_bucket.delay, bucket_id=bucket_id)
    try:
        with closing(syncing.sync(bucket, options=options, announce=announce_work)) as pages:
            if all(time.monotonic() < end for _ in pages):
                syncing.count_failed(bucket, failed=renewing.failed_last(bucket_id), options=options)
                return
    except syncing.Busy:
        return  # somebody else does it
    except Refused as refusal:
        Bucket.objects.filter(pk=bucket_id).update(trouble=connection.unlisted(bucket, refusal))
        return
    sync_bucket.delay(bucket_id=bucket_id, trashes_missing=trashes_missing)


def announce(noted: Noted) -> None:
    """Have worked on what news has brought, on commit."""
    for bucket_id in noted.buckets:
        read_bucket.delay_on_commit(bucket_id=bucket_id)
    if noted.uploads:
        check_uploads.delay_on_commit()


def _kept(image: Image, is_new: bool) -> None:
    if not is_new:
        reindex([image.pk])  # it may come back from the trash
    analyze(image, apis=image.bucket.apis if image.bucket else (), is_bulk=True)


def _lost(image_id: int, at: datetime) -> None:
    trash.trash([image_id], at=at)


@shared_task(base=OnCommitTask)
def lay_out(*, batch_id: int) -> None:
    """Queue more of a batch, and have it worked on."""
    batch = Batch.objects.get(pk=batch_id)
    for api in layout.lay_out(batch_id):
        work.delay(recognizer=batch.recognizer, api=api)


@shared_task(base=OnCommitTask)
def go_on_changing(*, change_id: int) -> None:
    """Go through more of the pictures that a bulk command is about."""
    if later.go_on(change_id):
        go_on_changing.delay(change_id=change_id)


@shared_task(base=OnCommitTask)
def reread_label(*, label_id: int) -> None:
    """Index more of the pictures anew that a changed label concerns."""
    if reread.reread(label_id):
        reread_label.delay(label_id=label_id)


@shared_task(base=OnCommitTask)
def sweep() -> None:
    """Announce again what nobody may have heard of, and see to the batches."""
    outages.forget_idle()
    bulk.forget_old()
    for label_id in reread.waiting():
        reread_label.delay(label_id=label_id)
    for change_id in later.open_ones():
        go_on_changing.delay(change_id=change_id)
    for recognizer, api in waiting.due_apis():
        work.delay(recognizer=recognizer, api=api)
    see_to_batches()
    if uploads.is_due():
        check_uploads.delay()
    for bucket_id in reading.due_buckets():
        read_bucket.delay(bucket_id=bucket_id)
    watchdog.log()


def see_to_batches() -> None:
    """Lay out more of those that run, end those that are done or without money, have reports mailed."""
    unfinished = states.tend()
    for batch_id in report.unmailed():
        mail_report.delay(batch_id=batch_id)
    for batch_id in unfinished:
        lay_out.delay(batch_id=batch_id)


@shared_task(base=OnCommitTask)
def mail_report(*, batch_id: int) -> None:
    report.mail(batch_id)


@shared_task(base=OnCommitTask)
def analyze_on_schedule() -> None:
    """What ANALYZE_OPTIONS says, as a person would have typed it."""
    call_command("analyze_images", "--yes", "--detach", *shlex.split(settings.ANALYZE_OPTIONS))


@shared_task(base=OnCommitTask)
def sweep_blobs() -> None:
    uploads.sweep()
    blobs.sweep(older_than=timedelta(hours=1))


@shared_task(base=OnCommitTask)
def count_labels() -> None:
    refresh_counts()
    repeated.mark_late()


@shared_task(base=OnCommitTask)
def count_figures() -> None:
    kept.refresh()


@shared_task(base=OnCommitTask)
def heartbeat() -> None:
    pulse.beat()


@shared_task(base=OnCommitTask)
def fold_spend() -> None:
    ledger.fold()
    progress.fold()


@worker_shutting_down.connect
def end_engines(**_: Any) -> None:
    engines.end()
