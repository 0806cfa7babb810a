"""Looking on while a batch runs, until it is over or somebody has seen enough."""

from __future__ import annotations

import logging
from time import monotonic, sleep

from celery import current_app
from kombu.exceptions import OperationalError
from tqdm import tqdm

from analysis import tasks
from analysis.batches import lifecycle, report
from analysis.batches.progress import Progress, progress
from analysis.formatting import dollars, duration
from analysis.management.batch_output import BatchOutput, describe_batch, is_watched
from analysis.models import Batch, Outage

logger = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks."""
LINE = 15.0
"""Seconds between two lines where nobody looks on; and without progress, until the reasons are looked for."""
STATUSES = {
    Batch.State.DONE: 0,
    Batch.State.STOPPED: 3,
    Batch.State.CANCELLED: 4,
    Batch.State.PAUSED: 130,
}


class BatchProgress:
    """Shows one batch; Ctrl-C pauses it. Its end is found out here too, so that nobody waits for the sweeper."""

    def __init__(self, batch_id: int, words: BatchOutput, *, is_sample: bool = False) -> None:
        self._batch_id, self._words, self._is_sample = batch_id, words, is_sample
        self._moved_at = self._said_at = monotonic()
        self._seen: list[tuple[float, int]] = []
        self._has_warned = False

    def until_over(self) -> int:
        """The exit status that the command documents."""
        try:
            found = self._look_on()
        except KeyboardInterrupt:
            return self._pause()
        return self._told(found)

    def _told(self, found: Progress) -> int:
        self._words.object(**describe_batch(found))
        for text in report.report_lines(self._batch_id) if not self._is_sample else ():
            self._words.line(text)
        return 1 if found.batch.state == Batch.State.DONE and found.failed else STATUSES[Batch.State(found.batch.state)]

    def _look_on(self) -> Progress:
        with tqdm(unit=" analyses", disable=not is_watched() or self._words.is_json, dynamic_ncols=True) as bar:
            while True:
                found = progress(self._batch_id)
                if found is None:
                    raise KeyboardInterrupt  # somebody deleted it
                self._show(bar, found)
                if found.batch.state != Batch.State.RUNNING:
                    return found
                if found.batch.is_fully_queued and not found.waiting:
                    self._see_to_its_end()
                sleep(LOOK)

    def _see_to_its_end(self) -> None:
        try:
            tasks.advance_batches()
        except OperationalError as error:  # the sweeper announces it again
            logger.warning("The queue cannot be reached: %s", error)

    def _show(self, bar: tqdm, found: Progress) -> None:
        now = monotonic()
        if not self._seen or self._seen[-1][1] != found.ended:
            self._moved_at = now
            self._has_warned = False
        self._seen = [each for each in self._seen if now - each[0] < 30] + [(now, found.ended)]
        bar.total = found.total
        bar.set_postfix_str(self._postfix(found), refresh=False)
        bar.update(found.ended - bar.n)
        bar.refresh()
        if now - self._said_at >= LINE and bar.disable:
            self._said_at = now
            self._words.object(**describe_batch(found))
            self._words.line(self._line(found))
        if now - self._moved_at >= LINE and not self._has_warned:
            self._has_warned = True
            for reason in _why_nothing_moves(found):
                bar.write(reason) if not bar.disable else self._words.line(reason)

    @property
    def _pace(self) -> float:
        (first, had), (last, has) = self._seen[0], self._seen[-1]
        return (has - had) / (last - first) if last > first else 0.0

    def _line(self, found: Progress) -> str:
        whole = f" of {found.total:,}" if found.total is not None else ""
        left = ""
        if found.total is not None and self._pace > 0:
            left = f", about {duration(max(found.total - found.ended, 0) / self._pace)} left"
        return f"{found.ended:,}{whole} ended, {self._pace:.1f}/s{left}; {self._postfix(found)}"

    def _postfix(self, found: Progress) -> str:
        spent = dollars(found.dollars)
        if found.batch.budget is not None:
            spent += f" of {dollars(found.batch.budget)}"
        return f"{found.failed:,} failed, {found.reused:,} from the store, {spent}"

    def _pause(self) -> int:
        if not lifecycle.pause(self._batch_id):  # it came to an end meanwhile
            found = progress(self._batch_id)
            return self._told(found) if found else 130
        self._words.object(batch=self._batch_id, state="paused")
        self._words.line(
            "\nPaused; what is under way ends by itself. Go on with: "
            f"manage.py analyze_images --resume {self._batch_id}"
        )
        return 130


def _why_nothing_moves(found: Progress) -> list[str]:
    reasons = [
        f"{outage.get_api_display()} wait: {outage.message}"
        for outage in Outage.objects.filter(recognizer=found.batch.recognizer, api__in=found.batch.apis).order_by("api")
    ]
    try:
        answers = current_app.control.ping(timeout=2)
    except OperationalError as error:
        return [*reasons, f"The queue cannot be reached: {error}. What is queued stays queued."]
    if not answers:
        reasons.append(
            "No worker answers. What is queued stays queued; start one with `celery -A imagelib worker -P threads`."
        )
    return reasons
