"""Take in what S3 says through a queue."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from analysis import pipeline
from analysis.aws import sqs
from analysis.aws.errors import AWSError
from analysis.aws.sqs import SqsQueue
from analysis.bucket_sync.event_consumer import EventCounts, StopFlag


class Command(BaseCommand):
    help = (
        "Follow what happens in the buckets: take in S3's events from the SQS queue EVENTS_QUEUE_URL, until it is "
        "stopped by Ctrl-C or SIGTERM, after which the batch in hand is finished. Any number may run side by side. "
        "Exit status: 0 stopped or done, 1 some messages could not be read, 2 wrong usage, 3 the queue does not answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", default=settings.EVENTS_QUEUE_URL, metavar="URL", help="another queue")
        parser.add_argument("--until-empty", action="store_true", help="end as soon as nothing is waiting")
        parser.add_argument(
            "--replay-dlq", action="store_true", help="take in what lies in the dead-letter queue, then end"
        )

    def handle(self, *, queue: str, until_empty: bool, replay_dlq: bool, **_: Any) -> None:
        events = _connected(queue)
        if replay_dlq:
            self._replay(events)
            return
        self.stdout.write(f"Listening to {events.url}. Ctrl-C stops it.")
        if events.dead_letter_queue() is None:
            self.stderr.write("It has no dead-letter queue: what cannot be read stays in it and comes again and again.")
        tally = EventCounts()
        with StopFlag() as stop:
            for tally in pipeline.consume_events(events, stop=stop, until_empty=until_empty):
                if tally.buried and tally.reasons:
                    self.stderr.write(f"not read: {tally.reasons.pop()}")
        self.stdout.write(
            f"{tally.messages:,} messages with {tally.events:,} events taken in, "
            f"{tally.buried:,} put into the dead-letter queue."
        )
        if tally.buried:
            raise SystemExit(1)

    def _replay(self, events: SqsQueue) -> None:
        taken = left = 0
        try:
            dead = events.dead_letter_queue()
            if dead is None:
                raise CommandError(f"{events.url} has no dead-letter queue (no RedrivePolicy).", returncode=2)
            for replayed in pipeline.replay_events(dead):
                taken, left = taken + (not replayed.reason), left + bool(replayed.reason)
                if replayed.reason:
                    self.stderr.write(f"stays: message {replayed.message.id}: {replayed.reason}")
        except AWSError as refusal:
            raise CommandError(f"The dead-letter queue cannot be read: {refusal}", returncode=3) from refusal
        self.stdout.write(f"{taken:,} messages taken in from the dead-letter queue, {left:,} stay there.")
        if left:
            raise SystemExit(1)


def _connected(url: str) -> SqsQueue:
    """Raises CommandError unless the queue answers."""
    if not url:
        raise CommandError("Set EVENTS_QUEUE_URL to the queue with S3's events, or name it by --queue.", returncode=2)
    try:
        found = sqs.connect(url, region=settings.AWS_REGION)
        found.dead_letter_queue()
    except AWSError as refusal:
        if refusal.is_absent:
            raise CommandError(f"There is no queue {url}: correct EVENTS_QUEUE_URL.", returncode=3) from refusal
        raise CommandError(f"The queue {url} does not answer: {refusal}", returncode=3) from refusal
    return found
