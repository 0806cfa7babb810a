"""Consumes the SQS queue of S3 events.

Each batch is saved in one transaction, then deleted from SQS.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from django.db import DataError, InterfaceError, OperationalError, connection
from django.utils.translation import gettext as _

from analysis.aws.errors import AWSError
from analysis.aws.sqs import SqsMessage, SqsQueue
from analysis.bucket_sync import object_queue
from analysis.bucket_sync.object_queue import RecordedEvents
from analysis.bucket_sync.s3_events import InvalidEvent, ObjectEvent, parse_events
from analysis.formatting import translated

logger = logging.getLogger(__name__)

PAUSES = (1, 2, 5, 10, 30)
"""Seconds before each further attempt to reach the queue or the database; the last one repeats."""
UNREADABLE_SECONDS = 900
"""Seconds an unreadable message stays hidden where the queue has no dead-letter queue."""


@dataclass
class EventCounts:
    messages: int = 0
    events: int = 0
    buried: int = 0
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class EventBatch:
    """Counts so far, and the records of the latest batch."""

    counts: EventCounts
    recorded: RecordedEvents


@dataclass
class RecordedMessages:
    """Result of recording messages. `unusable`: reasons by message id."""

    recorded: RecordedEvents = field(default_factory=RecordedEvents)
    unusable: dict[str, str] = field(default_factory=dict)
    events: int = 0


@dataclass(frozen=True)
class ReplayedMessage:
    """A message of a dead-letter queue, with its records or the reason why it stays."""

    message: SqsMessage
    reason: str = ""
    recorded: RecordedEvents = field(default_factory=RecordedEvents)


class StopFlag:
    """Set by SIGTERM and SIGINT.

    The current batch is completed; waiting for the next one ends at once.
    """

    class Interrupt(BaseException):
        """Ends a wait; not an Exception, so that retries do not take it for an error."""

    is_set = False
    _is_waiting = False

    def __enter__(self) -> StopFlag:
        self._handlers = {number: signal.signal(number, self._set) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def interruptible(self, wait: Callable[[], Any]) -> Any:
        """The result of `wait`, or None if stopped.

        SQS delivers messages again that were received by then.
        """
        self._is_waiting = True
        try:
            return None if self.is_set else wait()
        except StopFlag.Interrupt:
            return None
        finally:
            self._is_waiting = False

    def _set(self, *_: int | FrameType | None) -> None:
        self.is_set = True
        if self._is_waiting:
            self._is_waiting = False
            raise StopFlag.Interrupt


def consume(
    queue: SqsQueue,
    *,
    stop: StopFlag,
    until_empty: bool = False,
    max_failures: int | None = None,
    on_poll: Callable[[], None] = lambda: None,
) -> Iterator[EventBatch]:
    """Consume events until stopped, or with `until_empty` until no message is left.

    Yields after each batch; calls `on_poll` before each attempt to receive one.

    Several consumers may run at the same time. Errors of SQS and the database are retried forever, unless
    `max_failures` in a row end it by raising the last one.
    """
    counts, failures = EventCounts(), 0
    while not stop.is_set:
        on_poll()
        try:
            messages = stop.interruptible(lambda: queue.receive(wait=1 if until_empty else 20))
            if not messages and until_empty:
                return
            if messages:
                # A slow database may take longer than the visibility timeout, after which SQS delivers a message again.
                with queue.keep_invisible(messages):
                    recorded = handle_messages(queue, messages, counts=counts)
                yield EventBatch(counts, recorded)
            failures = 0
        except (AWSError, InterfaceError, OperationalError) as error:
            if not isinstance(error, AWSError):
                # A connection that PostgreSQL ended stays unusable. After close(), Django opens another one at the next
                # query.
                connection.close()
            seconds = PAUSES[min(failures, len(PAUSES) - 1)]
            failures += 1
            if failures == max_failures:
                raise
            source = queue.url if isinstance(error, AWSError) else "the database"
            logger.warning("events: %s: %s Trying again in %d s.", source, str(error).strip(), seconds)
            stop.interruptible(lambda seconds=seconds: time.sleep(seconds))  # type: ignore[misc]


def handle_messages(queue: SqsQueue, messages: list[SqsMessage], *, counts: EventCounts) -> RecordedEvents:
    """Record the events of a batch, then delete its messages.

    Unusable ones go to the dead-letter queue.
    """
    batch = record_messages(messages)
    # After the commit: messages of a consumer that crashes before are delivered again, which has no effect.
    queue.delete([message for message in messages if message.id not in batch.unusable])
    for message in messages:
        if reason := batch.unusable.get(message.id):
            _send_to_dlq(queue, message, reason, counts)
    counts.messages += len(messages)
    counts.events += batch.events
    return batch.recorded


def record_messages(messages: list[SqsMessage]) -> RecordedMessages:
    """Record the events of messages in one transaction."""
    readable, events, unusable = _parse(messages)
    try:
        recorded = object_queue.record_events(events)
    # A single value that PostgreSQL rejects rolls back all ten messages, so they are then recorded one by one.
    except DataError as error:
        return _record_one_by_one(messages, error)
    for message in readable if recorded.unknown else ():
        if _names_any(message, recorded.unknown):
            unusable[message.id] = _unknown_buckets(recorded.unknown)
    return RecordedMessages(recorded, unusable, len(events))


def _record_one_by_one(messages: list[SqsMessage], error: DataError) -> RecordedMessages:
    """Find the message that the database rejects, and record the others."""
    total = RecordedMessages()
    if len(messages) == 1:
        total.unusable[messages[0].id] = _rejected_by_database(error)
        return total
    for message in messages:
        batch = record_messages([message])
        total.recorded.add(batch.recorded)
        total.unusable |= batch.unusable
        total.events += batch.events
    return total


def replay(dead_letters: SqsQueue) -> Iterator[ReplayedMessage]:
    """Record the events of a dead-letter queue, each message once. Raises AWSError."""
    seen_ids: set[str] = set()
    remaining: list[SqsMessage] = []
    # Messages that stay are delivered again after their visibility timeout. Without this set the loop would never end.
    while messages := [message for message in dead_letters.receive(wait=1) if message.id not in seen_ids]:
        seen_ids |= {message.id for message in messages}
        for message in messages:
            replayed = _replay(message)
            if replayed.reason:
                remaining.append(message)
            else:
                dead_letters.delete([message])
            yield replayed
    # Ten: the most entries of a ChangeMessageVisibilityBatch.
    for start in range(0, len(remaining), 10):
        dead_letters.hide(remaining[start : start + 10], seconds=0)


def _replay(message: SqsMessage) -> ReplayedMessage:
    try:
        recorded = object_queue.record_events(parse_events(message.body))
    except InvalidEvent as error:
        return ReplayedMessage(message, translated(error))
    except DataError as error:
        return ReplayedMessage(message, _rejected_by_database(error))
    reason = _unknown_buckets(recorded.unknown) if recorded.unknown else ""
    return ReplayedMessage(message, reason, recorded)


def _parse(messages: list[SqsMessage]) -> tuple[list[SqsMessage], list[ObjectEvent], dict[str, str]]:
    """Readable messages, their events, and the reason for each other message, by id."""
    readable: list[SqsMessage] = []
    events: list[ObjectEvent] = []
    unreadable: dict[str, str] = {}
    for message in messages:
        try:
            events += parse_events(message.body)
            readable.append(message)
        except InvalidEvent as error:
            unreadable[message.id] = translated(error)
    return readable, events, unreadable


def _names_any(message: SqsMessage, buckets: set[str]) -> bool:
    return any(event.bucket in buckets for event in parse_events(message.body))


def _unknown_buckets(names: Iterable[str]) -> str:
    sentence = _("Unknown bucket %(names)s. Add it on the Buckets page, or stop its notifications.")
    return sentence % {"names": ", ".join(sorted(names))}


def _rejected_by_database(error: DataError) -> str:
    return _("The database rejected it: %(error)s") % {"error": error}


def _send_to_dlq(queue: SqsQueue, message: SqsMessage, reason: str, counts: EventCounts) -> None:
    counts.buried += 1
    # Only the last ten are kept to print, since a consumer runs for months.
    counts.reasons = [*counts.reasons[-9:], reason]
    logger.warning("events: message %s: %s", message.id, reason)
    if not queue.send_to_dlq(message, reason):
        logger.error("events: %s has no dead-letter queue; the message stays in it.", queue.url)
        queue.hide([message], seconds=UNREADABLE_SECONDS)
