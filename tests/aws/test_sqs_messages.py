"""Batches to SQS and SNS against responses in the form of AWS's documentation."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.stub import Stubber

from analysis.aws import sns, sqs_messages
from analysis.aws.errors import AWSError, MessageRefused
from analysis.aws.message_batches import OutgoingMessage, batches

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/pictures"
ARN = "arn:aws:sns:eu-central-1:123456789012:pictures"
MESSAGES = [OutgoingMessage(f"m{number}", "{}", group="7", event="image") for number in range(3)]
EVENT = {"event": {"DataType": "String", "StringValue": "image"}}


def stubbed(service: str) -> Stubber:
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    return Stubber(session.create_client(service, region_name="eu-central-1"))


def entries(body: str, **fields: str) -> list[dict]:
    return [{"Id": message.id, body: "{}", "MessageAttributes": EVENT, **fields} for message in MESSAGES]


FAILED = [
    {"Id": "m0", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "The message has a bad character"},
    {"Id": "m1", "SenderFault": False, "Code": "InternalError"},
    {"Id": "m2", "SenderFault": True, "Code": "AccessDenied", "Message": "User: arn:aws:iam::123456789012:user/me"},
]


@pytest.mark.parametrize("service", ["sqs", "sns"])
def test_errors_of_single_messages(service):
    stub = stubbed(service)
    with stub:
        if service == "sqs":
            expected = {"QueueUrl": URL, "Entries": entries("MessageBody")}
            stub.add_response("send_message_batch", {"Successful": [], "Failed": FAILED}, expected)
            refused = sqs_messages.send(stub.client, URL, MESSAGES)
        else:
            expected = {"TopicArn": ARN, "PublishBatchRequestEntries": entries("Message")}
            stub.add_response("publish_batch", {"Successful": [], "Failed": FAILED}, expected)
            refused = sns.publish(stub.client, ARN, MESSAGES)
    operation = {"sqs": "SendMessageBatch", "sns": "PublishBatch"}[service]
    assert {name: (type(error), str(error)) for name, error in refused.items()} == {
        "m0": (MessageRefused, "InvalidMessageContents: The message has a bad character."),
        "m1": (AWSError, "InternalError: no message."),
        "m2": (AWSError, f"{operation} is not allowed (AccessDenied)."),
    }


def test_fifo_queue_gets_group_and_deduplication_id():
    stub = stubbed("sqs")
    expected = {"QueueUrl": f"{URL}.fifo", "Entries": entries("MessageBody", MessageGroupId="7")}
    for entry in expected["Entries"]:
        entry["MessageDeduplicationId"] = entry["Id"]
    with stub:
        stub.add_response("send_message_batch", {"Successful": [], "Failed": []}, expected)
        assert sqs_messages.send(stub.client, f"{URL}.fifo", MESSAGES) == {}


@pytest.mark.parametrize(
    ("code", "is_denied"), [("AuthorizationError", True), ("KMSAccessDenied", True), ("NotFound", False)]
)
def test_error_of_a_whole_request(code, is_denied):
    stub = stubbed("sns")
    stub.add_client_error("publish_batch", code, "", 403)
    with stub, pytest.raises(AWSError) as raised:
        sns.publish(stub.client, ARN, MESSAGES)
    assert (raised.value.is_denied, raised.value.is_absent) == (is_denied, not is_denied)


@pytest.mark.parametrize(
    ("sizes", "max_bytes", "expected"),
    [
        ([], 100_000, []),
        ([10] * 12, 100_000, [10, 2]),
        ([40_000] * 5, 100_000, [2, 2, 1]),
        ([200_000, 10], 100_000, [1, 1]),
    ],
)
def test_batches_keep_the_order_and_both_limits(sizes, max_bytes, expected):
    messages = [OutgoingMessage(str(number), "x" * size, "7", "image") for number, size in enumerate(sizes)]
    made = list(batches(messages, max_bytes=max_bytes))
    assert [len(batch) for batch in made] == expected
    assert [message for batch in made for message in batch] == messages
