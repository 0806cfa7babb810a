"""The pipeline's asynchronous half. Every task is safe to run twice; the database says what there is to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from celery.signals import worker_shutting_down
from django.db import transaction

from analysis.curation import bulk
from analysis.health import pulse, watchdog
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
def sweep() -> None:
    outages.forget_idle()
    bulk.forget_old()
    for recognizer, api in waiting.due_apis():
        work.delay(recognizer=recognizer, api=api)
    watchdog.log()


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


@worker_shutting_down.connect
def end_engines(**_: Any) -> None:
    engines.end()
