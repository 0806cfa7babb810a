"""Event messages in the formats of S3, SNS and EventBridge."""

from __future__ import annotations

import json


def record(key, *, name="ObjectCreated:Put", bucket="photos", event_version="2.6", **fields) -> dict:
    """One record with a URL-encoded key. `fields`: version, sequencer, etag, size."""
    names = {"version": "versionId", "sequencer": "sequencer", "etag": "eTag", "size": "size"}
    return {
        "eventVersion": event_version,
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": key, **{names[field]: value for field, value in fields.items()}},
        },
    }


def notice(*records: dict) -> str:
    return json.dumps({"Records": records})


def through_sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": body})


def bridged(key: str, *, kind="Object Created") -> str:
    fields = {"key": key, "size": 5, "etag": "e1", "version-id": "v1", "sequencer": "00A1"}
    return json.dumps(
        {
            "version": "0",
            "source": "aws.s3",
            "detail-type": kind,
            "detail": {"bucket": {"name": "photos"}, "object": fields},
        }
    )
