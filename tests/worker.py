"""A real Celery worker in threads of this process, for the length of a test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from celery import signals
from celery.contrib.testing.worker import start_worker
from django.conf import settings

from analysis.recognition import engine_runner
from imagelib.celery import app

LOOKS, PAUSE = 600, 0.05  # seconds


class TaskCounter:
    """Count of the tasks that were sent and of those that ended.

    A look at the queue alone is wrong for a moment: kombu takes a message out of its list before it writes it to
    the hash of messages in work.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent = 0
        self._ended = 0

    def add_sent(self, **_signal: object) -> None:
        with self._lock:
            self._sent += 1

    def add_ended(self, **_signal: object) -> None:
        with self._lock:
            self._ended += 1

    @property
    def is_behind(self) -> bool:
        with self._lock:
            return self._ended < self._sent


@contextmanager
def started() -> Iterator[None]:
    """Start with an empty queue; finish all tasks before stopping."""
    app.control.purge()
    options = {"pool": "threads", "concurrency": 8, "perform_ping_check": False, "shutdown_timeout": 20}
    with _counting_tasks() as counter, start_worker(app, loglevel="WARNING", **options):  # tests read what it logs
        yield
        _wait_for_rest(counter)


@contextmanager
def _counting_tasks() -> Iterator[TaskCounter]:
    counter = TaskCounter()
    signals.before_task_publish.connect(counter.add_sent)
    signals.task_postrun.connect(counter.add_ended)
    try:
        yield counter
    finally:
        signals.before_task_publish.disconnect(counter.add_sent)
        signals.task_postrun.disconnect(counter.add_ended)


def _wait_for_rest(counter: TaskCounter) -> None:
    """Wait until it is idle: emptying tables that it still reads would deadlock."""
    with redis.Redis.from_url(settings.REDIS) as queue:
        for _ in range(LOOKS):
            waiting, taken = queue.llen(settings.CELERY_TASK_DEFAULT_QUEUE), queue.hlen("unacked")  # kombu's
            if not waiting and not taken and not counter.is_behind and not engine_runner._running:
                return
            time.sleep(PAUSE)
    pytest.fail("the worker does not come to rest")
