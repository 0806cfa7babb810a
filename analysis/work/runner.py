"""The loop of `manage.py work`: run everything that is due, until nothing is.

It replaces Celery's scheduler, broker and workers. The tasks are the same functions, and their messages to each other
stay in this process (`analysis.task_queue`). Work that a killed run has not done is still due in the database, where
the next sweep finds it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from analysis import jobs, pipeline, task_queue, tasks
from analysis.aws import sqs
from analysis.task_queue import TaskMessage, TaskQueue
from analysis.work import due, periodic_tasks, run_lease
from analysis.work.stop import Stop

logger = logging.getLogger(__name__)

REPORT_SECONDS = 10.0
POLL_SECONDS = 0.5
# Attempts to reach the queue of S3 events; the next run tries again.
MAX_QUEUE_FAILURES = 2
_PREFIX = f"{tasks.__name__}."
_SWEEP = TaskMessage(f"{_PREFIX}sweep")
_EVENTS = TaskMessage("events")


@dataclass
class Status:
    """Numbers of a run so far.

    `analyses`: all that ended since its start, in any process.
    """

    tasks: int = 0
    failed: int = 0
    events: int = 0
    analyses: int = 0
    running: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class RunOutcome:
    """The end of a run. `is_idle`: nothing was due; otherwise it was stopped."""

    status: Status
    is_idle: bool


def run(*, stop: Stop, until_idle: bool, report: Callable[[Status], None] = lambda _status: None) -> RunOutcome:
    """Do all background work until nothing is due, or until stopped.

    Raises AlreadyRunning, and the errors of a database that is not available.
    """
    try:
        with run_lease.acquired(on_loss=stop.set) as held, task_queue.opened() as queue:
            periodic_tasks.start_scheduled_analysis()
            runner = _Runner(queue, stop=stop, report=report)
            while True:
                is_idle = runner.run(until_idle=until_idle)
                status = runner.finish()
                if not is_idle or held.release(unless_requested=True):
                    return RunOutcome(status, is_idle=is_idle)
    finally:
        jobs.resume()


class _Runner:
    def __init__(self, queue: TaskQueue, *, stop: Stop, report: Callable[[Status], None]) -> None:
        self._queue, self._stop, self._report = queue, stop, report
        self._schedule, self._status = periodic_tasks.Schedule(), Status()
        self._started_at, self._began = now(), time.monotonic()
        self._reported = self._began
        self._running: set[Future[bool]] = set()
        self._has_read_all_events = self._has_sent_housekeeping = False
        # Work that sweeps found due while nothing else happened. It cannot be done now, for example because a budget is
        # spent or an API has an outage, and is left.
        self._tried: set[TaskMessage] = set()
        self._marker, self._waited = due.progress_marker(), 0.0

    def run(self, *, until_idle: bool) -> bool:
        """Run tasks until idle or stopped; True if idle."""
        self._has_read_all_events = not settings.EVENTS_QUEUE_URL
        with ThreadPoolExecutor(settings.CELERY_WORKER_CONCURRENCY, thread_name_prefix="work") as pool:
            while not self._stop.is_set:
                self._send_scheduled()
                self._start(pool)
                if self._running:
                    self._collect()
                elif self._is_idle():
                    if until_idle:
                        return True
                    self._stop.wait(settings.SWEEP_SECONDS)
                self._stop.check_time()
            self._queue.clear()
            while self._running:
                self._collect()
        return False

    def finish(self) -> Status:
        """Run the tasks that summarize work."""
        for name in periodic_tasks.FIGURES:
            self._count(_run(TaskMessage(_PREFIX + name)))
        return self._current_status()

    def _send_scheduled(self) -> None:
        for name in self._schedule.due():
            self._queue.put(TaskMessage(_PREFIX + name))
            if name == "sweep" and settings.EVENTS_QUEUE_URL:
                self._queue.put(_EVENTS)

    def _start(self, pool: ThreadPoolExecutor) -> None:
        while len(self._running) < settings.CELERY_WORKER_CONCURRENCY and (message := self._queue.take()):
            self._running.add(pool.submit(self._consume_events if message == _EVENTS else partial(_run, message)))

    def _collect(self) -> None:
        done, self._running = wait(self._running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            self._count(future.result())
        if time.monotonic() - self._reported >= REPORT_SECONDS:
            self._reported = time.monotonic()
            self._report(self._current_status())

    def _is_idle(self) -> bool:
        """Sweep; True if it finds only work that could not be done before."""
        before = due.progress_marker()
        if before != self._marker:
            self._marker, self._tried, self._waited = before, set(), 0.0
        delay = due.seconds_until_due()  # before the sweep, which finds work that becomes due in between
        self._count(_run(_SWEEP))
        waiting = self._queue.waiting()
        if waiting - self._tried:
            self._tried |= waiting
            return False
        self._queue.clear()
        # Work that becomes due again every few seconds during an outage is not waited for forever.
        if delay is None or self._waited > due.SOON.total_seconds():
            return not self._send_last()
        self._waited += delay
        self._stop.wait(delay)
        self._tried.clear()
        return False

    def _send_last(self) -> bool:
        """Send the tasks for when nothing else is due; False if they already ran."""
        if not self._has_read_all_events:  # some arrived in the meantime
            self._queue.put(_EVENTS)
        if not self._has_sent_housekeeping:
            for name in periodic_tasks.HOUSEKEEPING:
                self._queue.put(TaskMessage(_PREFIX + name))
        is_sent = not (self._has_read_all_events and self._has_sent_housekeeping)
        self._has_read_all_events = self._has_sent_housekeeping = True
        return is_sent

    def _consume_events(self) -> bool:
        try:
            queue = sqs.connect(settings.EVENTS_QUEUE_URL, region=settings.AWS_REGION)
            batches = pipeline.consume_events(queue, stop=self._stop, until_empty=True, max_failures=MAX_QUEUE_FAILURES)
            # The counts are cumulative.
            number = max((counts.events for counts in batches), default=0)
            self._status.events += number
            self._has_read_all_events &= not number
        except Exception:  # the task boundary, as for tasks
            logger.exception("The events queue %s could not be read", settings.EVENTS_QUEUE_URL)
            self._has_read_all_events = True  # the next run tries again
            return False
        finally:
            connection.close()
        return True

    def _count(self, is_done: bool) -> None:
        self._status.tasks += 1
        self._status.failed += not is_done

    def _current_status(self) -> Status:
        self._status.analyses = due.finished_since(self._started_at)
        self._status.running, self._status.seconds = len(self._running), time.monotonic() - self._began
        return self._status


def _run(message: TaskMessage) -> bool:
    """Run a task in this thread; False if it failed, which is logged."""
    task = current_app.tasks[message.name]
    try:
        task.run(**dict(message.arguments))
    except Exception:  # the task boundary: other tasks must still run
        logger.exception("%s failed", message.name)
        return False
    finally:
        if not connection.in_atomic_block:
            connection.close()  # returned to the pool, since threads wait most of the time
    return True
