"""A real Celery worker in threads of this process, for the length of a test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from celery.contrib.testing.worker import start_worker
from django.conf import settings

from analysis.recognition import engine_runner
from imagelib.celery import app

LOOKS, PAUSE = 600, 0.05  # seconds


@contextmanager
def started() -> Iterator[None]:
    """Start with an empty queue; finish all tasks before stopping."""
    app.control.purge()
    options = {"pool": "threads", "concurrency": 8, "perform_ping_check": False, "shutdown_timeout": 20}
    with start_worker(app, loglevel="WARNING", **options):  # the root logger's too, and tests read what it says
        yield
        _wait_for_rest()


def _wait_for_rest() -> None:
    """Wait until it is idle: emptying tables that it still reads would deadlock."""
    with redis.Redis.from_url(settings.REDIS) as queue:
        for _ in range(LOOKS):
            waiting, taken = queue.llen(settings.CELERY_TASK_DEFAULT_QUEUE), queue.hlen("unacked")  # kombu's
            if not waiting and not taken and not engine_runner._running:
                return
            time.sleep(PAUSE)
    pytest.fail("the worker does not come to rest")
