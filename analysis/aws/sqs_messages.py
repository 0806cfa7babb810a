"""Sends messages to SQS queues; sqs.py reads queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.aws import clients
from analysis.aws.errors import AWSError, MessageRefused
from analysis.aws.message_batches import OutgoingMessage, Refusals

ACTION = "sqs:SendMessage"


def is_fifo(url: str) -> bool:
    """FIFO queues and topics have names that end in .fifo."""
    return url.endswith(".fifo")


def send(client: Any, url: str, messages: Sequence[OutgoingMessage]) -> Refusals:
    """Send up to ten messages. Raises AWSError if none arrived."""
    entries = [_entry(message, is_fifo=is_fifo(url)) for message in messages]
    with clients.translate_errors():
        response = client.send_message_batch(QueueUrl=url, Entries=entries)
    return {item["Id"]: refusal(item, operation="SendMessageBatch") for item in response.get("Failed", [])}


def refusal(item: dict[str, Any], *, operation: str) -> AWSError:
    """The error of one entry of a batch, in the format of SQS and SNS."""
    error = clients.error_of(item.get("Code", ""), message=item.get("Message", ""), operation=operation)
    # Missing permissions, throttling and missing queues may be the sender's fault, too, but can be corrected.
    is_final = item.get("SenderFault") and not (error.is_denied or error.is_slow_down or error.is_absent)
    return MessageRefused(error.template, code=error.code, **error.values) if is_final else error


def fifo_fields(message: OutgoingMessage, *, is_fifo: bool) -> dict[str, str]:
    """Fields for order by group, and deduplication by id.

    AWS remembers an id for 5 minutes.
    """
    return {"MessageGroupId": message.group, "MessageDeduplicationId": message.id} if is_fifo else {}


def string_attribute(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def _entry(message: OutgoingMessage, *, is_fifo: bool) -> dict[str, Any]:
    return {
        "Id": message.id,
        "MessageBody": message.body,
        "MessageAttributes": {"event": string_attribute(message.event)},
        **fifo_fields(message, is_fifo=is_fifo),
    }
