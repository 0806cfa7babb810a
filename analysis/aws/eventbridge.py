"""Puts events on EventBridge buses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.aws import clients
from analysis.aws.errors import AWSError, MessageRefused
from analysis.aws.message_batches import OutgoingMessage, Refusals

ACTION = "events:PutEvents"
FINAL_CODES = frozenset({"InvalidArgument", "MalformedDetail"})
"""Codes of single events that are rejected for their content (EventBridge, "PutEvents")."""


def put_events(client: Any, bus: str, messages: Sequence[OutgoingMessage], *, source: str) -> Refusals:
    """Put up to ten events. Raises AWSError if none arrived."""
    entries = [
        {
            "EventBusName": bus,
            "Source": source,
            "DetailType": message.event,
            "Detail": message.body,
            "Resources": [message.resource] if message.resource else [],
        }
        for message in messages
    ]
    with clients.translate_errors():
        response = client.put_events(Entries=entries)
    # In the order of the request (PutEventsResultEntry).
    results = zip(messages, response.get("Entries", []), strict=False)
    return {message.id: _refusal(item) for message, item in results if item.get("ErrorCode")}


def _refusal(item: Mapping[str, Any]) -> AWSError:
    error = clients.error_of(item["ErrorCode"], message=item.get("ErrorMessage", ""), operation="PutEvents")
    if error.code in FINAL_CODES:
        return MessageRefused(error.template, code=error.code, **error.values)
    return error
