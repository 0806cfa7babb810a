"""Publishes messages to SNS topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.aws import clients
from analysis.aws.message_batches import OutgoingMessage, Refusals
from analysis.aws.sqs_messages import fifo_fields, is_fifo, refusal, string_attribute

ACTION = "sns:Publish"


def publish(client: Any, topic_arn: str, messages: Sequence[OutgoingMessage]) -> Refusals:
    """Publish up to ten messages. Raises AWSError if none arrived."""
    entries = [_entry(message, is_fifo=is_fifo(topic_arn)) for message in messages]
    with clients.translate_errors():
        response = client.publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
    return {item["Id"]: refusal(item, operation="PublishBatch") for item in response.get("Failed", [])}


def _entry(message: OutgoingMessage, *, is_fifo: bool) -> dict[str, Any]:
    return {
        "Id": message.id,
        "Message": message.body,
        "MessageAttributes": {"event": string_attribute(message.event)},
        **fifo_fields(message, is_fifo=is_fifo),
    }
