"""Events against responses in the form of AWS's documentation."""

from __future__ import annotations

from dataclasses import replace

from analysis.aws import eventbridge
from analysis.aws.errors import AWSError, MessageRefused
from tests.aws.test_sqs_messages import MESSAGES, stubbed

ARN = "arn:aws:s3:::pictures/dog.jpg"


def test_results_are_in_the_order_of_the_events():
    entry = {"EventBusName": "default", "Source": "imagelib", "DetailType": "image", "Detail": "{}"}
    expected = {"Entries": [{**entry, "Resources": [ARN] if message.id == "m1" else []} for message in MESSAGES]}
    answer = {
        "FailedEntryCount": 2,
        "Entries": [
            {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."},
            {"EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860"},
            {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"},
        ],
    }
    stub = stubbed("events")
    with stub:
        stub.add_response("put_events", answer, expected)
        messages = [replace(message, resource=ARN if message.id == "m1" else "") for message in MESSAGES]
        refused = eventbridge.put_events(stub.client, "default", messages, source="imagelib")
    assert {name: (type(error), str(error)) for name, error in refused.items()} == {
        "m0": (MessageRefused, "MalformedDetail: Detail is malformed."),
        "m2": (AWSError, "InternalFailure: Internal Service Failure."),
    }
