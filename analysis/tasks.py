"""The pipeline's asynchronous half. Every task is safe to run twice and carries ids only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.db import transaction

from analysis.recognition.attempt import attempt
from analysis.recognition.waiting import overdue
from analysis.search.counts import refresh_counts
from analysis.store import blobs

MESSAGE = 50
"""Analyses one message may carry, so that a lost one is soon made up for."""


class OnCommitTask(DjangoTask):  # type: ignore[type-arg]
    """A task whose announcement may fail: the row is committed, and the sweeper announces it again."""

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        def announce() -> None:  # a function, since Django's log names it when it fails
            self.delay(*args, **kwargs)

        transaction.on_commit(announce, robust=True)


@shared_task(base=OnCommitTask)
def analyze(*, analysis_ids: list[int]) -> None:
    attempt(analysis_ids)


@shared_task(base=OnCommitTask)
def sweep() -> None:
    ids = overdue()
    for start in range(0, len(ids), MESSAGE):
        analyze.delay(analysis_ids=ids[start : start + MESSAGE])


@shared_task(base=OnCommitTask)
def sweep_blobs() -> None:
    blobs.sweep(older_than=timedelta(hours=1))


@shared_task(base=OnCommitTask)
def count_labels() -> None:
    refresh_counts()
