"""Process S3 event notifications from an SQS queue."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis import pipeline
from analysis.aws import sqs
from analysis.aws.errors import AWSError
from analysis.aws.sqs import SqsQueue
from analysis.bucket_sync.event_consumer import EventCounts, StopFlag
from analysis.formatting import count
from analysis.management.translated_command import TranslatedCommand
from imagelib import liveness


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Process S3 event notifications from the SQS queue EVENTS_QUEUE_URL until Ctrl-C or SIGTERM; messages already "
        "received are finished. Several consumers can run side by side. Exit status: 0 stopped or done, 1 some "
        "messages were invalid, 2 wrong usage, 3 the queue is not available."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", default=settings.EVENTS_QUEUE_URL, metavar="URL", help=_("the queue's URL"))
        parser.add_argument("--until-empty", action="store_true", help=_("stop when the queue is empty"))
        parser.add_argument(
            "--replay-dlq", action="store_true", help=_("process the dead-letter queue once, then stop")
        )

    def handle(self, *, queue: str, until_empty: bool, replay_dlq: bool, **_options: Any) -> None:
        events = _connect(queue)
        if replay_dlq:
            self._replay(events)
            return
        self.stdout.write(_("Processing events of %(url)s. Press Ctrl-C to stop.") % {"url": events.url})
        if events.dead_letter_queue() is None:
            self.stderr.write(_("The queue has no dead-letter queue: invalid messages stay and are received again."))
        counts = EventCounts()
        with StopFlag() as stop:
            for counts in pipeline.consume_events(events, stop=stop, until_empty=until_empty, on_poll=liveness.touch):
                if counts.buried and counts.reasons:
                    self.stderr.write(_("invalid message: %(reason)s") % {"reason": counts.reasons.pop()})
        sentence = ngettext(
            "%(number)s message with %(events)s events processed, %(invalid)s moved to the dead-letter queue.",
            "%(number)s messages with %(events)s events processed, %(invalid)s moved to the dead-letter queue.",
            counts.messages,
        )
        self.stdout.write(
            sentence
            % {
                "number": count(counts.messages),
                "events": count(counts.events),
                "invalid": count(counts.buried),
            }
        )
        if counts.buried:
            raise SystemExit(1)

    def _replay(self, events: SqsQueue) -> None:
        processed = left = 0
        try:
            dead_letters = events.dead_letter_queue()
            if dead_letters is None:
                sentence = _("%(url)s has no dead-letter queue (no RedrivePolicy).")
                raise CommandError(sentence % {"url": events.url}, returncode=2)
            for replayed in pipeline.replay_events(dead_letters):
                processed, left = processed + (not replayed.reason), left + bool(replayed.reason)
                if replayed.reason:
                    values = {"id": replayed.message.id, "reason": replayed.reason}
                    self.stderr.write(_("message %(id)s stays: %(reason)s") % values)
        except AWSError as error:
            sentence = _("The dead-letter queue cannot be read: %(error)s")
            raise CommandError(sentence % {"error": error}, returncode=3) from error
        sentence = ngettext(
            "%(number)s message of the dead-letter queue processed, %(left)s left.",
            "%(number)s messages of the dead-letter queue processed, %(left)s left.",
            processed,
        )
        self.stdout.write(sentence % {"number": count(processed), "left": count(left)})
        if left:
            raise SystemExit(1)


def _connect(url: str) -> SqsQueue:
    """Raises CommandError unless the queue responds."""
    if not url:
        sentence = _("Set EVENTS_QUEUE_URL to the queue of S3's event notifications, or pass --queue.")
        raise CommandError(sentence, returncode=2)
    try:
        queue = sqs.connect(url, region=settings.AWS_REGION)
        # A first request, so that a wrong URL is reported now instead of retried forever by the loop.
        queue.dead_letter_queue()
    except AWSError as error:
        if error.is_absent:
            sentence = _("There is no queue %(url)s. Correct EVENTS_QUEUE_URL.")
            raise CommandError(sentence % {"url": url}, returncode=3) from error
        sentence = _("The queue %(url)s is not available: %(error)s")
        raise CommandError(sentence % {"url": url, "error": error}, returncode=3) from error
    return queue
