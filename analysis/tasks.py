"""The pipeline's asynchronous half. Every task is safe to run twice; the database says what there is to do."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from analysis.batches import layout, progress, report, states
from analysis.curation import bulk
from analysis.health import pulse, watchdog
from analysis.models import Batch
from analysis.recognition import engines, ledger, outages, waiting
from analysis.search.counts import refresh_counts
from analysis.store import blobs


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


@shared_task(base=OnCommitTask)
def lay_out(*, batch_id: int) -> None:
    """Queue more of a batch, and have it worked on."""
    batch = Batch.objects.get(pk=batch_id)
    for api in layout.lay_out(batch_id):
        work.delay(recognizer=batch.recognizer, api=api)


@shared_task(base=OnCommitTask)
def sweep() -> None:
    """Announce again what nobody may have heard of, and see to the batches."""
    outages.forget_idle()
    bulk.forget_old()
    for recognizer, api in waiting.due_apis():
        work.delay(recognizer=recognizer, api=api)
    see_to_batches()
    watchdog.log()


def see_to_batches() -> None:
    """Lay out more of those that run, end those that are done or without money."""
    unfinished, ended = states.tend()
    for batch_id in unfinished:
        lay_out.delay(batch_id=batch_id)
    for batch_id in ended:
        mail_report.delay(batch_id=batch_id)


@shared_task(base=OnCommitTask)
def mail_report(*, batch_id: int) -> None:
    report.mail(batch_id)


@shared_task(base=OnCommitTask)
def analyze_on_schedule() -> None:
    """What ANALYZE_OPTIONS says, as a person would have typed it."""
    call_command("analyze_images", *shlex.split(settings.ANALYZE_OPTIONS), "--yes", "--detach")


@shared_task(base=OnCommitTask)
def sweep_blobs() -> None:
    blobs.sweep(older_than=timedelta(hours=1))


@shared_task(base=OnCommitTask)
def count_labels() -> None:
    refresh_counts()


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
