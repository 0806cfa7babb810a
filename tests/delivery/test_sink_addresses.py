"""Addresses of sinks: form, region, IAM policy."""

from __future__ import annotations

import pytest

from analysis.delivery import sink_addresses
from analysis.models import Sink
from tests.factories import create_bucket

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/pictures"
TOPIC = "arn:aws-cn:sns:cn-north-1:123456789012:pictures.fifo"


@pytest.mark.parametrize(
    ("channel", "address", "is_accepted", "region"),
    [
        ("sqs", QUEUE, True, "eu-west-1"),
        ("sqs", f"{QUEUE}.fifo", True, "eu-west-1"),
        ("sqs", "http://127.0.0.1:4566/123456789012/pictures", True, "us-east-1"),
        ("sqs", "pictures", False, "us-east-1"),
        ("sqs", "https://sqs.eu-west-1.amazonaws.com/pictures", False, "us-east-1"),
        ("sqs", f"{QUEUE}?a=b", False, "us-east-1"),
        ("sqs", f"{QUEUE}\n", False, "us-east-1"),
        ("sns", TOPIC, True, "cn-north-1"),
        ("sns", QUEUE, False, "us-east-1"),
        ("eventbridge", "default", True, "us-east-1"),
        ("eventbridge", "arn:aws:events:eu-west-1:123456789012:event-bus/pictures", True, "eu-west-1"),
        ("eventbridge", "two words", False, "us-east-1"),
        ("dynamodb", "Pictures_1.a-b", True, "us-east-1"),
        ("dynamodb", "arn:aws:dynamodb:eu-west-1:123456789012:table/pictures", True, "eu-west-1"),
        ("dynamodb", "ab", False, "us-east-1"),
        ("webhook", "https://example.org/hook", True, "us-east-1"),
        ("webhook", "ftp://example.org/hook", False, "us-east-1"),
        ("object_tags", "", True, "us-east-1"),
    ],
)
def test_address_and_its_region(settings, channel, address, is_accepted, region):
    settings.AWS_REGION = "us-east-1"
    assert (sink_addresses.address_error(channel, address) == "") is is_accepted
    assert sink_addresses.region_of(channel, address) == region


def test_option_names_the_region_where_the_address_does_not(settings):
    settings.AWS_REGION = "us-east-1"
    assert sink_addresses.region_of("dynamodb", "pictures", option="eu-west-1") == "eu-west-1"
    assert sink_addresses.region_of("sqs", QUEUE, option="us-west-2") == "eu-west-1"


@pytest.mark.parametrize(
    ("channel", "address", "action", "resource"),
    [
        ("sqs", QUEUE, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:pictures"),
        ("sns", TOPIC, "sns:Publish", TOPIC),
        ("eventbridge", "default", "events:PutEvents", "arn:aws:events:us-east-1:*:event-bus/default"),
        ("dynamodb", "pictures", "dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:*:table/pictures"),
    ],
)
def test_policy_allows_one_action_on_one_resource(settings, channel, address, action, resource):
    settings.AWS_REGION = "us-east-1"
    [statement] = sink_addresses.policy_of(Sink(channel=channel, address=address))["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", [action], resource)


@pytest.mark.django_db
def test_policy_of_tags_names_the_buckets_that_allow_them(owner):
    create_bucket(owner, name="pictures", prefix="2026/", may_tag=True)
    create_bucket(owner, name="others")
    [statement] = sink_addresses.policy_of(Sink(channel="object_tags"))["Statement"]
    assert statement["Resource"] == ["arn:aws:s3:::pictures/2026/*"]
    assert statement["Action"] == [
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging",
        "s3:PutObjectTagging",
        "s3:PutObjectVersionTagging",
    ]
    assert sink_addresses.policy_of(Sink(channel="webhook", address="https://example.org")) is None
