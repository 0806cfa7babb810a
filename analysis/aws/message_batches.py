"""Messages sent in batches, and the errors of single messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.aws.errors import AWSError

BATCH = 10
"""Messages in one request to SQS, SNS or EventBridge: the maximum of all three."""

MARGIN = 512
"""Maximum bytes of a message's attributes without its resource, which count against the limits, too."""


@dataclass(frozen=True)
class OutgoingMessage:
    """A message to a queue, topic or bus.

    `id` is unique, and the same for every attempt. Messages of one `group` keep their order in FIFO queues and topics;
    `event` is a word that receivers can filter by, `resource` the ARN that the message is about.
    """

    id: str
    body: str
    group: str
    event: str
    resource: str = ""

    @property
    def size(self) -> int:
        """Bytes that count against a limit."""
        return len(self.body.encode()) + len(self.resource.encode()) + MARGIN


Refusals = dict[str, AWSError]
"""Errors of single messages by id; all others were accepted."""


def batches(messages: Sequence[OutgoingMessage], *, max_bytes: int) -> Iterator[list[OutgoingMessage]]:
    """Split messages, in their order, into as few requests as the limits allow."""
    batch: list[OutgoingMessage] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == BATCH or size + message.size > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += message.size
    if batch:
        yield batch
