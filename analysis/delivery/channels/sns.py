"""Messages to an Amazon SNS topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from analysis.aws import message_batches, sns
from analysis.aws.message_batches import OutgoingMessage, Refusals
from analysis.aws.shared_clients import shared_client
from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.channels.aws_outcomes import send_in_form
from analysis.delivery.sink_options import MessageOptions


@dataclass(frozen=True)
class SnsChannel(Channel):
    batch_size: ClassVar[int] = message_batches.BATCH

    topic_arn: str
    region: str
    options: MessageOptions

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return send_in_form(messages, options=self.options, send=self._send, action=sns.ACTION)

    def _send(self, batch: Sequence[OutgoingMessage]) -> Refusals:
        return sns.publish(shared_client("sns", region=self.region), self.topic_arn, batch)
