"""Celery signal handlers that count tasks and their durations."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import task_postrun, task_prerun

from analysis.metrics.counters import count_task

OUTCOMES = {"SUCCESS": "succeeded", "FAILURE": "failed", "RETRY": "retried"}


@task_prerun.connect
def note_start(task: Any, **_kwargs: object) -> None:
    task.request.imagelib_started = time.perf_counter()


@task_postrun.connect
def count(task: Any, state: str | None = None, **_kwargs: object) -> None:
    started = getattr(task.request, "imagelib_started", None)
    seconds = time.perf_counter() - started if started is not None else 0.0
    count_task(task.name.rpartition(".")[2], outcome=OUTCOMES.get(state or "", "failed"), seconds=seconds)
