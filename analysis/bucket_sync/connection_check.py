"""Whether a bucket lets us do what we need there, and what to paste where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from analysis.aws import bucket_settings as permissions
from analysis.aws import iam_policy, s3_objects
from analysis.aws.errors import AWSError, EndpointUnreachable, MissingCredentials
from analysis.models import Bucket
from analysis.storage import originals


@dataclass(frozen=True)
class Finding:
    """One thing that was tried; `action` is the IAM action that is missing."""

    subject: str
    is_fine: bool
    sentence: str
    action: str = ""


def check_connection(bucket: Bucket) -> Iterator[Finding]:
    """Try each permission by a harmless request; where nothing answers, nothing more is tried."""
    try:
        client = originals.client_of(bucket)
    except AWSError as refusal:
        yield Finding("connection", is_fine=False, sentence=str(refusal))
        return
    try:
        region = permissions.region_of(client, bucket.name)
    except (MissingCredentials, EndpointUnreachable) as refusal:
        yield Finding("connection", is_fine=False, sentence=str(refusal))
        return
    except AWSError as refusal:
        if refusal.is_absent:
            yield Finding("bucket", is_fine=False, sentence=originals.NO_BUCKET.format(bucket.name))
            return
        region = refusal.region  # the steps below say what is missing
    yield _placed(bucket, region)
    for step in permissions.check_readable(client, bucket.name, prefix=bucket.prefix, may_delete=bucket.may_delete):
        refused = step.refusal
        if refused and refused.is_denied:
            said = f"Not allowed ({refused.code})."
            yield Finding(step.action, is_fine=False, sentence=said, action=step.action)
        else:
            yield Finding(step.action, is_fine=refused is None, sentence=str(refused or "Allowed."))


def unusable(bucket: Bucket) -> list[Finding]:
    """Why a bucket cannot be reached as it is described. What IAM does not allow can be granted after it is saved."""
    return [finding for finding in check_connection(bucket) if not finding.is_fine and not finding.action]


def describe_list_error(bucket: Bucket, refusal: AWSError) -> str:
    """Why a bucket cannot be listed, and what to do."""
    if refusal.is_absent:
        return originals.NO_BUCKET.format(bucket.name)
    if refusal.is_denied:
        said = f"{bucket.name} cannot be listed: s3:ListBucket is not allowed ({refusal.code})."
        return f"{said} “Check connection” on its page gives the policy to grant."
    return f"{bucket.name} cannot be listed: {refusal}"


def needed_policy(bucket: Bucket) -> dict[str, Any]:
    """The least that IAM must allow here."""
    return iam_policy.read_policy(
        bucket=bucket.name, prefix=bucket.prefix, may_delete=bucket.may_delete, region=originals.region_of(bucket)
    )


def cors_rules(origin: str) -> list[dict[str, Any]]:
    """What a bucket must say to browsers that upload into it and show what is in it."""
    return [
        {
            "AllowedOrigins": [origin],
            "AllowedMethods": ["POST", "GET", "HEAD"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3_000,
        }
    ]


def notification_config(queue_arn: str, prefix: str) -> dict[str, Any]:
    """What a bucket must say to the queue."""
    told: dict[str, Any] = {"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    if prefix:
        told["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
    return {"QueueConfigurations": [told]}


def _placed(bucket: Bucket, region: str) -> Finding:
    said = originals.region_of(bucket)
    if not region or region == said:
        where = f"{bucket.name} is in {region}." if region else f"{bucket.name} is there."
        return Finding("region", is_fine=True, sentence=where)
    is_fine = s3_objects.has_own_endpoint()  # a server of one's own may call its region what it likes
    sentence = f"{bucket.name} is in {region}, and {said or 'no region'} is said here: set its region to {region}."
    sentence += "" if not settings.REKOGNITION_READS_BUCKET else " Rekognition reads buckets of its own region only."
    return Finding("region", is_fine=is_fine, sentence=sentence)
