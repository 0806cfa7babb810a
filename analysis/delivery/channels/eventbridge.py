"""Events on an Amazon EventBridge bus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from analysis.aws import eventbridge, message_batches, object_refs
from analysis.aws.message_batches import OutgoingMessage, Refusals
from analysis.aws.shared_clients import shared_client
from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.channels.aws_outcomes import send_batches
from analysis.delivery.channels.image_bodies import Body, body_of
from analysis.delivery.sink_options import BusOptions

DETAIL_TYPES = {"image": "Image Changed", "test": "Test"}
"""Detail types by the event of a document, for the filters of rules."""


@dataclass(frozen=True)
class EventBridgeChannel(Channel):
    batch_size: ClassVar[int] = message_batches.BATCH

    bus: str
    region: str
    options: BusOptions

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        arns = dict(_object_arns(messages, region=self.region))
        bodies = [self._body(message, arn=arns.get(message.delivery_id, "")) for message in messages]

        def put(batch: Sequence[OutgoingMessage]) -> Refusals:
            client = shared_client("events", region=self.region)
            events = [replace(message, event=DETAIL_TYPES[message.event]) for message in batch]
            return eventbridge.put_events(client, self.bus, events, source=self.options.source)

        limit = self.options.max_bytes
        return send_batches(messages, bodies, send=put, max_bytes=limit, action=eventbridge.ACTION, resources=arns)

    def _body(self, message: Message, *, arn: str) -> Body:
        room = self.options.max_bytes - message_batches.MARGIN - len(arn.encode())
        return body_of(message, form=self.options.form, limit=room)


def _object_arns(messages: Sequence[Message], *, region: str) -> Iterator[tuple[str, str]]:
    """The S3 object of each picture that stays in a bucket, by delivery id."""
    for message in messages:
        image = message.payload.get("image", {})
        if image.get("bucket"):
            yield message.delivery_id, object_refs.object_arn(image["bucket"], image["key"], region=region)
