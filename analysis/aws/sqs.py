"""A queue of SQS and its dead letters: receive, delete, keep hidden, send_to_dlq. No Django."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from analysis.aws import clients
from analysis.aws.errors import AWSError

BATCH = 10  # SQS's most
POLL = 20  # seconds, SQS's most
HIDDEN = 60  # seconds for which nobody else gets what was received; renewed while it is worked on
LONGEST_REASON = 1_000


@dataclass(frozen=True)
class SqsMessage:
    id: str
    receipt: str
    body: str
    reason: str = ""
    """Why it was buried, in the dead-letter queue."""


@dataclass
class SqsQueue:
    """One queue, by its address; its dead-letter queue is the one of its redrive policy."""

    url: str
    client: Any
    hides: int = HIDDEN
    """Seconds."""
    _dead: SqsQueue | None = field(default=None, repr=False)

    def receive(self, *, wait: int = POLL) -> list[SqsMessage]:
        """Up to ten messages; waits for the first. Raises Refused."""
        with clients.translate_errors():
            said = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=wait,
                VisibilityTimeout=self.hides,
                MessageAttributeNames=["Reason"],
            )
        return [_message(each) for each in said.get("Messages", [])]

    def delete(self, messages: Sequence[SqsMessage]) -> None:
        """Raises Refused; what could not be deleted comes again, which does no harm."""
        for start in range(0, len(messages), BATCH):
            entries = [{"Id": str(n), "ReceiptHandle": each.receipt} for n, each in enumerate(messages[start:][:BATCH])]
            with clients.translate_errors():
                self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def hide(self, messages: Sequence[SqsMessage], *, seconds: int) -> None:
        """Let nobody have them for so long from now. Raises Refused."""
        entries = [
            {"Id": str(n), "ReceiptHandle": each.receipt, "VisibilityTimeout": seconds}
            for n, each in enumerate(messages)
        ]
        if entries:
            with clients.translate_errors():
                self.client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    @contextmanager
    def keep_invisible(self, messages: Sequence[SqsMessage]) -> Iterator[None]:
        """Keep messages to ourselves for as long as the block takes."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(self.hides / 2):
                with suppress(AWSError):  # then they come again, which does no harm
                    self.hide(messages, seconds=self.hides)

        thread = threading.Thread(target=renew, daemon=True, name="hide")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def send_to_dlq(self, message: SqsMessage, reason: str) -> bool:
        """Put a message that nobody can read into the dead-letter queue with the reason; False if there is none."""
        dead = self.dead_letter_queue()
        if dead is None:
            return False
        with clients.translate_errors():
            self.client.send_message(
                QueueUrl=dead.url,
                MessageBody=message.body,
                MessageAttributes={"Reason": {"DataType": "String", "StringValue": reason[:LONGEST_REASON]}},
            )
        self.delete([message])
        return True

    def dead_letter_queue(self) -> SqsQueue | None:
        """The dead-letter queue. Raises Refused."""
        if self._dead is None:
            with clients.translate_errors():
                said = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["RedrivePolicy"])
                policy = json.loads(said.get("Attributes", {}).get("RedrivePolicy", "{}"))
                arn = str(policy.get("deadLetterTargetArn", "")).split(":")
                if len(arn) != 6:
                    return None
                url = self.client.get_queue_url(QueueName=arn[5], QueueOwnerAWSAccountId=arn[4])["QueueUrl"]
            self._dead = SqsQueue(url, self.client)
        return self._dead


def connect(url: str, *, region: str) -> SqsQueue:
    """Raises Refused where its configuration cannot be used."""
    return SqsQueue(url, clients.client("sqs", region=region, read_timeout=POLL + 10))


def _message(said: dict[str, Any]) -> SqsMessage:
    reason = said.get("MessageAttributes", {}).get("Reason", {}).get("StringValue", "")
    return SqsMessage(said["MessageId"], said["ReceiptHandle"], said["Body"], reason)
