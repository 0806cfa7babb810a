"""Shows the progress of a running batch in the terminal."""

from __future__ import annotations

import logging
from time import monotonic, sleep

from celery import current_app
from django.conf import settings
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError
from tqdm import tqdm

from analysis import tasks
from analysis.batches import lifecycle, report
from analysis.batches.progress import Progress, progress
from analysis.formatting import count, dollars, duration
from analysis.health import background_work
from analysis.management.batch_output import BatchOutput, describe_batch, has_terminal
from analysis.models import Batch, Outage
from imagelib import celery_broker

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
LINE_SECONDS = 15.0
"""Seconds between two lines without a terminal, and without progress until the reasons are written."""
RATE_SECONDS = 30
"""Seconds over which the rate is measured."""
EXIT_STATUSES = {
    Batch.State.DONE: 0,
    Batch.State.STOPPED: 3,
    Batch.State.CANCELLED: 4,
    Batch.State.PAUSED: 130,
}


class BatchProgress:
    """Shows the progress of one batch; Ctrl-C pauses the batch."""

    def __init__(self, batch_id: int, output: BatchOutput, *, is_sample: bool = False) -> None:
        self._batch_id, self._output, self._is_sample = batch_id, output, is_sample
        self._changed_at = self._written_at = monotonic()
        self._history: list[tuple[float, int]] = []
        self._has_warned = False

    def wait(self) -> int:
        """Wait for the end; returns the exit status documented in the command's help."""
        try:
            state = self._follow()
        except KeyboardInterrupt:
            return self._pause()
        return self._report(state)

    def _report(self, state: Progress) -> int:
        self._output.object(**describe_batch(state))
        for text in report.report_lines(self._batch_id) if not self._is_sample else ():
            self._output.line(text)
        has_failures = state.batch.state == Batch.State.DONE and state.failed
        return 1 if has_failures else EXIT_STATUSES[Batch.State(state.batch.state)]

    def _follow(self) -> Progress:
        with tqdm(unit=_(" analyses"), disable=not has_terminal() or self._output.is_json, dynamic_ncols=True) as bar:
            while True:
                state = progress(self._batch_id)
                if state is None:
                    raise KeyboardInterrupt  # the batch was deleted
                self._show(bar, state)
                if state.batch.state != Batch.State.RUNNING:
                    return state
                if state.batch.is_fully_queued and not state.waiting:
                    self._finish()
                sleep(POLL_SECONDS)

    def _finish(self) -> None:
        # Without this, the scheduler's sweep would end the batch up to a minute later.
        try:
            tasks.advance_batches()
        except OperationalError as error:
            logger.warning("Redis is not available: %s", error)

    def _show(self, bar: tqdm, state: Progress) -> None:
        now = monotonic()
        if not self._history or self._history[-1][1] != state.ended:
            self._changed_at = now
            self._has_warned = False
        self._history = [entry for entry in self._history if now - entry[0] < RATE_SECONDS] + [(now, state.ended)]
        bar.total = state.total
        bar.set_postfix_str(self._counts(state), refresh=False)
        bar.update(state.ended - bar.n)
        bar.refresh()
        if now - self._written_at >= LINE_SECONDS and bar.disable:
            self._written_at = now
            self._output.object(**describe_batch(state))
            self._output.line(self._line(state))
        if now - self._changed_at >= LINE_SECONDS and not self._has_warned:
            self._has_warned = True
            for reason in _stall_reasons(state):
                bar.write(reason) if not bar.disable else self._output.line(reason)

    @property
    def _rate(self) -> float:
        (start, ended_before), (end, ended) = self._history[0], self._history[-1]
        return (ended - ended_before) / (end - start) if end > start else 0.0

    def _line(self, state: Progress) -> str:
        ended = count(state.ended)
        if state.total is None:
            parts = [_("%(ended)s analyses finished") % {"ended": ended}]
        else:
            total = count(state.total)
            parts = [_("%(ended)s of %(total)s analyses finished") % {"ended": ended, "total": total}]
        parts.append(_("%(rate)s per second") % {"rate": f"{self._rate:.1f}"})
        if state.total is not None and self._rate > 0:
            left = duration(max(state.total - state.ended, 0) / self._rate)
            parts.append(_("about %(duration)s left") % {"duration": left})
        return ", ".join([*parts, self._counts(state)])

    def _counts(self, state: Progress) -> str:
        counts = _("%(failed)s failed, %(reused)s from cache") % {
            "failed": count(state.failed),
            "reused": count(state.reused),
        }
        spent = dollars(state.dollars)
        if state.batch.budget is not None:
            spent = _("%(spent)s of %(budget)s") % {"spent": spent, "budget": dollars(state.batch.budget)}
        return f"{counts}, {spent}"

    def _pause(self) -> int:
        if not lifecycle.pause(self._batch_id):  # it ended before Ctrl-C
            state = progress(self._batch_id)
            return self._report(state) if state else 130
        self._output.object(batch=self._batch_id, state="paused")
        sentence = _("Paused; analyses in progress will finish. Resume with: %(command)s")
        self._output.line("\n" + sentence % {"command": f"manage.py analyze_images --resume {self._batch_id}"})
        return 130


def _stall_reasons(state: Progress) -> list[str]:
    outages = Outage.objects.filter(recognizer=state.batch.recognizer, api__in=state.batch.apis).order_by("api")
    reasons = [
        _("%(api)s analyses are waiting: %(error)s") % {"api": outage.get_api_display(), "error": outage.message}
        for outage in outages
    ]
    if background_work.is_in_use():
        return [*reasons, _("Queued analyses wait for the next run of `manage.py work`.")]
    if celery_broker.is_sqs(settings.CELERY_BROKER_URL):
        return reasons  # workers cannot be contacted
    try:
        workers = current_app.control.ping(timeout=2)
    except OperationalError as error:
        sentence = _("Redis is not available: %(error)s. Queued analyses are kept.")
        return [*reasons, sentence % {"error": error}]
    if not workers:
        sentence = _("No worker is running. Queued analyses are kept; start a worker with: %(command)s")
        reasons.append(sentence % {"command": "celery -A imagelib worker -P threads"})
    return reasons
