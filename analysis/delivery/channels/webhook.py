"""Signed JSON by HTTP POST."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.delivery import http_client
from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.signatures import signed_headers


@dataclass(frozen=True)
class WebhookChannel(Channel):
    address: str
    secret: str

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self._send(message) for message in messages]

    def _send(self, message: Message) -> Outcome:
        body = json.dumps(body_of(message), ensure_ascii=False, separators=(",", ":")).encode()
        # The time of this attempt, so that receivers can reject old messages.
        headers = signed_headers(self.secret, message_id=message.delivery_id, timestamp=int(time.time()), body=body)
        return http_client.outcome_of(self.address, body, headers={"Content-Type": "application/json", **headers})


def body_of(message: Message) -> dict[str, object]:
    """The document in its envelope: see docs/deliveries.md."""
    return {"id": message.delivery_id, "created_at": message.created_at.isoformat(), **message.payload}
