"""Queues, topics, buses, tables and buckets on moto's server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

REGION = "eu-central-1"
ACCOUNT = "123456789012"
SERVICES = ("sqs", "sns", "events", "dynamodb", "s3")


@dataclass
class AwsServices:
    """Clients by service, and what the tests make and read with them."""

    address: str

    def __post_init__(self) -> None:
        session = boto3.session.Session("testing", "testing", region_name=REGION)
        self.clients = {name: session.client(name, endpoint_url=self.address) for name in SERVICES}

    def create_queue(self, name: str, **attributes: str) -> str:
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        return self.clients["sqs"].create_queue(QueueName=name, Attributes={**fifo, **attributes})["QueueUrl"]

    def create_topic(self, name: str, *, queue: str) -> str:
        """A topic whose messages go to a queue, as they are."""
        attributes = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        arn = self.clients["sns"].create_topic(Name=name, Attributes=attributes)["TopicArn"]
        self.clients["sns"].subscribe(
            TopicArn=arn, Protocol="sqs", Endpoint=_queue_arn(queue), Attributes={"RawMessageDelivery": "true"}
        )
        return arn

    def create_bus(self, name: str, *, queue: str) -> str:
        """A bus with a rule for imagelib's events, whose target is a queue."""
        events = self.clients["events"]
        events.create_event_bus(Name=name)
        events.put_rule(Name="pictures", EventBusName=name, EventPattern=json.dumps({"source": ["imagelib"]}))
        events.put_targets(Rule="pictures", EventBusName=name, Targets=[{"Id": "queue", "Arn": _queue_arn(queue)}])
        return name

    def create_table(self, name: str, *, key: str) -> str:
        self.clients["dynamodb"].create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def create_bucket(self, name: str, *, is_versioned: bool = False) -> str:
        self.clients["s3"].create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if is_versioned:
            self.clients["s3"].put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def received(self, queue: str) -> list[dict[str, Any]]:
        """All messages of a queue, with their bodies read as JSON."""
        messages = []
        while (
            response := self.clients["sqs"]
            .receive_message(
                QueueUrl=queue,
                MaxNumberOfMessages=10,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            .get("Messages")
        ):
            messages += [{**message, "json": json.loads(message["Body"])} for message in response]
        return messages

    def items(self, table: str) -> list[dict[str, Any]]:
        read = TypeDeserializer().deserialize
        items = self.clients["dynamodb"].scan(TableName=table)["Items"]
        return [{name: read(value) for name, value in item.items()} for item in items]

    def tags(self, bucket: str, key: str, **version: str) -> dict[str, str]:
        answer = self.clients["s3"].get_object_tagging(Bucket=bucket, Key=key, **version)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def set_tags(self, bucket: str, key: str, tags: dict[str, str]) -> None:
        tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
        self.clients["s3"].put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tag_set})


def _queue_arn(url: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"
