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
from analysis.delivery.channels.image_bodies import body_of
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
        limit = self.options.max_bytes
        # The ARN of an object is as long as its key, at most 1,024 bytes.
        room = limit - message_batches.MARGIN - 1_024
        bodies = [body_of(message, form=self.options.form, limit=room) for message in messages]
        arns = dict(_object_arns(messages, region=self.region))

        def put(batch: Sequence[OutgoingMessage]) -> Refusals:
            client = shared_client("events", region=self.region)
            events = [replace(message, event=DETAIL_TYPES[message.event]) for message in batch]
            return eventbridge.put_events(client, self.bus, events, source=self.options.source, resources=arns)

        return send_batches(messages, bodies, send=put, max_bytes=limit, action=eventbridge.ACTION)


def _object_arns(messages: Sequence[Message], *, region: str) -> Iterator[tuple[str, str]]:
    """The S3 object of each picture that stays in a bucket, by delivery id."""
    for message in messages:
        image = message.payload.get("image", {})
        if image.get("bucket"):
            yield message.delivery_id, object_refs.object_arn(image["bucket"], image["key"], region=region)
