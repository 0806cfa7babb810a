"""Messages to an Amazon SQS queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from analysis.aws import message_batches, sqs_messages
from analysis.aws.message_batches import OutgoingMessage, Refusals
from analysis.aws.shared_clients import shared_client
from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.channels.aws_outcomes import send_in_form
from analysis.delivery.sink_options import MessageOptions


@dataclass(frozen=True)
class SqsChannel(Channel):
    batch_size: ClassVar[int] = message_batches.BATCH

    queue_url: str
    region: str
    options: MessageOptions

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return send_in_form(messages, options=self.options, send=self._send, action=sqs_messages.ACTION)

    def _send(self, batch: Sequence[OutgoingMessage]) -> Refusals:
        client = shared_client("sqs", region=self.region)
        return sqs_messages.send(client, self.queue_url, batch)
