"""The queue of S3's events emptied: each batch is written down in one transaction, and only then deleted there."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from django.db import DataError, InterfaceError, OperationalError, connection, transaction

from analysis.aws.errors import AWSError
from analysis.aws.sqs import SqsMessage, SqsQueue
from analysis.bucket_sync import object_queue
from analysis.bucket_sync.object_queue import RecordedEvents
from analysis.bucket_sync.s3_events import InvalidEvent, ObjectEvent, parse_events

logger = logging.getLogger(__name__)

Announce = Callable[[RecordedEvents], None]

PAUSES = (1, 2, 5, 10, 30)
"""Seconds between two attempts to reach a queue or a database that does not answer; the last one for ever."""
UNREAD = 900
"""Seconds for which an unreadable message is left alone where there is no dead-letter queue."""
UNKNOWN = "No bucket called {} is known here: add it on the page Buckets, or stop its notifications."


UNKEPT = "It cannot be written down: {}"


@dataclass
class EventCounts:
    messages: int = 0
    events: int = 0
    buried: int = 0
    reasons: list[str] = field(default_factory=list)


class StopFlag:
    """SIGTERM and SIGINT let the batch in hand finish; waiting for the next one ends at once."""

    class Now(BaseException):
        """Not an Exception, so that nobody on the way takes it for a failing request and tries again."""

    came = False
    _waits = False

    def __enter__(self) -> StopFlag:
        self._before = {each: signal.signal(each, self._note) for each in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for each, before in self._before.items():
            signal.signal(each, before)

    def waiting(self, wait: Callable[[], Any]) -> Any:
        """What `wait` answers, or None if it was stopped. What SQS had handed out by then comes again."""
        self._waits = True
        try:
            return None if self.came else wait()
        except StopFlag.Now:
            return None
        finally:
            self._waits = False

    def _note(self, *_: int | FrameType | None) -> None:
        self.came = True
        if self._waits:
            self._waits = False
            raise StopFlag.Now


def consume(queue: SqsQueue, *, announce: Announce, stop: StopFlag, until_empty: bool = False) -> Iterator[EventCounts]:
    """Take events in until it is stopped, or until a poll brings none; yields the tally after each batch.

    Many may do so side by side. Neither a queue nor a database that does not answer ends it.
    """
    tally, failures = EventCounts(), 0
    while not stop.came:
        try:
            messages = stop.waiting(lambda: queue.receive(wait=1 if until_empty else 20))
            if not messages and until_empty:
                return
            if messages:
                with queue.keep_invisible(messages):
                    handle_message(queue, messages, announce=announce, tally=tally)
                yield tally
            failures = 0
        except (AWSError, InterfaceError, OperationalError) as error:
            if not isinstance(error, AWSError):
                connection.close()
            seconds = PAUSES[min(failures, len(PAUSES) - 1)]
            failures += 1
            what = queue.url if isinstance(error, AWSError) else "the database"
            logger.warning("events: %s: %s Trying again in %d s.", what, str(error).strip(), seconds)
            stop.waiting(lambda seconds=seconds: time.sleep(seconds))  # type: ignore[misc]


def handle_message(queue: SqsQueue, messages: list[SqsMessage], *, announce: Announce, tally: EventCounts) -> None:
    """One batch: written down, then deleted; what cannot be read is buried with the reason."""
    readable, events, poison = _read(messages)
    try:
        noted = _note(events, announce)
    except DataError as error:
        _take_each(queue, messages, error, announce=announce, tally=tally)
        return
    strange = {each.id for each in readable if noted.unknown and _is_strange(each, noted.unknown)}
    queue.delete([each for each in readable if each.id not in strange])
    poison += [(each, UNKNOWN.format(", ".join(sorted(noted.unknown)))) for each in readable if each.id in strange]
    for message, reason in poison:
        _send_to_dlq(queue, message, reason, tally)
    tally.messages += len(messages)
    tally.events += len(events)


def _take_each(
    queue: SqsQueue, messages: list[SqsMessage], error: DataError, *, announce: Announce, tally: EventCounts
) -> None:
    """What the database does not take is buried by itself and does not take its neighbors along."""
    if len(messages) > 1:
        for message in messages:
            handle_message(queue, [message], announce=announce, tally=tally)
        return
    _send_to_dlq(queue, messages[0], UNKEPT.format(error), tally)
    tally.messages += 1


def _note(events: list[ObjectEvent], announce: Announce) -> RecordedEvents:
    with transaction.atomic():
        noted = object_queue.record_events(events)
        announce(noted)
    return noted


def replay(dead: SqsQueue, *, announce: Announce) -> Iterator[tuple[SqsMessage, str]]:
    """Take in what lies in a dead-letter queue, once each; yields each message with the reason why it stays, or "".

    Raises Refused.
    """
    seen: set[str] = set()
    stays: list[SqsMessage] = []
    while messages := [each for each in dead.receive(wait=1) if each.id not in seen]:
        seen |= {each.id for each in messages}
        for message in messages:
            reason = _replayed(dead, message, announce)
            stays += [message] if reason else []
            yield message, reason
    for start in range(0, len(stays), 10):
        dead.hide(stays[start : start + 10], seconds=0)


def _replayed(dead: SqsQueue, message: SqsMessage, announce: Announce) -> str:
    try:
        noted = _note(parse_events(message.body), announce)
    except InvalidEvent as malformed:
        return str(malformed)
    except DataError as error:
        return UNKEPT.format(error)
    if noted.unknown:
        return UNKNOWN.format(", ".join(sorted(noted.unknown)))
    dead.delete([message])
    return ""


def _read(messages: list[SqsMessage]) -> tuple[list[SqsMessage], list[ObjectEvent], list[tuple[SqsMessage, str]]]:
    readable: list[SqsMessage] = []
    events: list[ObjectEvent] = []
    poison: list[tuple[SqsMessage, str]] = []
    for message in messages:
        try:
            events += parse_events(message.body)
            readable.append(message)
        except InvalidEvent as malformed:
            poison.append((message, str(malformed)))
    return readable, events, poison


def _is_strange(message: SqsMessage, unknown: set[str]) -> bool:
    """It tells of a bucket that nobody knows here."""
    return any(event.bucket in unknown for event in parse_events(message.body))


def _send_to_dlq(queue: SqsQueue, message: SqsMessage, reason: str, tally: EventCounts) -> None:
    tally.buried += 1
    tally.reasons = [*tally.reasons[-9:], reason]
    logger.warning("events: message %s: %s", message.id, reason)
    if not queue.send_to_dlq(message, reason):
        logger.error("events: %s has no dead-letter queue; the message stays in it.", queue.url)
        queue.hide([message], seconds=UNREAD)
