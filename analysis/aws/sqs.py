"""An SQS queue and its dead-letter queue."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from analysis.aws import clients
from analysis.aws.errors import AWSError

BATCH = 10  # messages, SQS's maximum
POLL = 20  # seconds, SQS's maximum
VISIBILITY_TIMEOUT = 60  # seconds until others receive a message; renewed while it is processed
MAX_REASON = 1_000


@dataclass(frozen=True)
class SqsMessage:
    id: str
    receipt: str
    body: str
    reason: str = ""
    """Why it was sent to the dead-letter queue."""


@dataclass(frozen=True)
class QueueStatus:
    """The number of messages that wait, and the visibility timeout in seconds."""

    messages: int
    visibility_timeout: int


@dataclass
class SqsQueue:
    """A queue by its URL, with the dead-letter queue of its redrive policy."""

    url: str
    client: Any
    visibility_timeout: int = VISIBILITY_TIMEOUT
    """Seconds."""
    _dead_letters: SqsQueue | None = field(default=None, repr=False)

    def receive(self, *, wait: int = POLL) -> list[SqsMessage]:
        """Receive up to ten messages, waiting up to `wait` seconds for the first.

        Raises AWSError.
        """
        with clients.translate_errors():
            response = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=BATCH,
                # Long polling, since otherwise SQS queries only some of its servers and returns (and bills) more empty
                # responses.
                WaitTimeSeconds=wait,
                VisibilityTimeout=self.visibility_timeout,
                # SQS leaves out attributes that are not asked for.
                MessageAttributeNames=["Reason"],
            )
        return [_message(item) for item in response.get("Messages", [])]

    def status(self) -> QueueStatus:
        """Raises AWSError."""
        names = ["ApproximateNumberOfMessages", "VisibilityTimeout"]
        with clients.translate_errors():
            response = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        number, timeout = (int(response["Attributes"][name]) for name in names)
        return QueueStatus(number, timeout)

    def delete(self, messages: Sequence[SqsMessage]) -> None:
        """Raises AWSError.

        Messages that could not be deleted are delivered again, which has no effect.
        """
        for start in range(0, len(messages), BATCH):
            # Ids need only be unique within this request (SQS, DeleteMessageBatchRequestEntry).
            entries = [
                {"Id": str(n), "ReceiptHandle": message.receipt} for n, message in enumerate(messages[start:][:BATCH])
            ]
            with clients.translate_errors():
                self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def hide(self, messages: Sequence[SqsMessage], *, seconds: int) -> None:
        """Hide messages from all consumers for `seconds`. Raises AWSError."""
        entries = [
            {"Id": str(n), "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
            for n, message in enumerate(messages)
        ]
        if entries:
            with clients.translate_errors():
                self.client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    @contextmanager
    def keep_invisible(self, messages: Sequence[SqsMessage]) -> Iterator[None]:
        """Hide messages from other consumers for the duration of the block."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(self.visibility_timeout / 2):
                with suppress(AWSError):  # others then receive them, too, which has no effect
                    self.hide(messages, seconds=self.visibility_timeout)

        thread = threading.Thread(target=renew, daemon=True, name="hide")
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def send_to_dlq(self, message: SqsMessage, reason: str) -> bool:
        """Move a message to the dead-letter queue with a reason.

        False without such a queue.
        """
        dead_letters = self.dead_letter_queue()
        if dead_letters is None:
            return False
        with clients.translate_errors():
            self.client.send_message(
                QueueUrl=dead_letters.url,
                MessageBody=message.body,
                MessageAttributes={"Reason": {"DataType": "String", "StringValue": reason[:MAX_REASON]}},
            )
        # Deleted after it was sent, so that a crash in between leaves a copy in both queues and loses none.
        self.delete([message])
        return True

    def dead_letter_queue(self) -> SqsQueue | None:
        """The dead-letter queue, if there is one. Raises AWSError."""
        if self._dead_letters is None:
            with clients.translate_errors():
                response = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["RedrivePolicy"])
                policy = json.loads(response.get("Attributes", {}).get("RedrivePolicy", "{}"))
                # arn:partition:sqs:region:account:name
                arn = str(policy.get("deadLetterTargetArn", "")).split(":")
                if len(arn) != 6:
                    return None
                url = self.client.get_queue_url(QueueName=arn[5], QueueOwnerAWSAccountId=arn[4])["QueueUrl"]
            self._dead_letters = SqsQueue(url, self.client)
        return self._dead_letters


def connect(url: str, *, region: str) -> SqsQueue:
    """Raises AWSError for an invalid configuration."""
    # Longer than a poll, which without messages responds at its end only.
    return SqsQueue(url, clients.client("sqs", region=region, read_timeout=POLL + 10))


def _message(item: dict[str, Any]) -> SqsMessage:
    reason = item.get("MessageAttributes", {}).get("Reason", {}).get("StringValue", "")
    return SqsMessage(item["MessageId"], item["ReceiptHandle"], item["Body"], reason)
