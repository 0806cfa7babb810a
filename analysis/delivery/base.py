"""The contract of a channel, which sends messages to one kind of receiver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True)
class Message:
    """A message to be sent by a channel.

    `payload`: a document of documents.py, the same for every attempt. `delivery_id`: a UUID by which receivers can
    ignore duplicates.
    """

    delivery_id: str
    kind: str
    """A `Delivery.Kind`."""
    payload: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class Outcome:
    """The result of sending one message.

    `error`: empty if the message was delivered. After a permanent error it is not sent again. `is_gone`: the receiver
    wants no more messages at all. `note`: what was left out of a delivered message.
    """

    error: str = ""
    is_permanent: bool = False
    is_gone: bool = False
    note: str = ""

    @property
    def is_delivered(self) -> bool:
        return not self.error


DELIVERED = Outcome()


class Channel(ABC):
    """Sends messages to one receiver.

    `send` runs in a separate thread and must not use the database; the channel is created with all it needs. Each
    request is bounded by REQUEST_SECONDS.
    """

    batch_size: ClassVar[int] = 1
    """Maximum number of messages per call of `send`."""

    @abstractmethod
    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send messages in this order, and return an outcome for each.

        Errors of the receiver are outcomes, not exceptions.
        """


REQUEST_SECONDS = 10.0
"""Maximum time of one request to a receiver."""
