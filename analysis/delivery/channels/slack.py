"""Slack's incoming webhooks (https://api.slack.com/messaging/webhooks)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.delivery import http_client
from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.channels.summary import lines_of, title_of

REMOVED = frozenset({403, 404, 410})
"""Slack's statuses for a webhook that was removed or whose channel was archived ("Handling errors" on that page)."""


@dataclass(frozen=True)
class SlackChannel(Channel):
    address: str

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self._send(message.payload) for message in messages]

    def _send(self, payload: Mapping[str, Any]) -> Outcome:
        body = json.dumps({"text": text_of(payload)}).encode()
        headers = {"Content-Type": "application/json"}
        return http_client.outcome_of(self.address, body, headers=headers, gone_statuses=REMOVED)


def text_of(payload: Mapping[str, Any]) -> str:
    """The message in Slack's own markup."""
    lines = [f"*{_escaped(title_of(payload))}*"]
    lines += [f"<{line.url}|{_escaped(line.text)}>" if line.url else _escaped(line.text) for line in lines_of(payload)]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """The text with Slack's markup escaped: <!channel> would notify everyone."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
