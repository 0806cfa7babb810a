"""References to S3 objects and roles, and forms to upload objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Object:
    """An object in S3; its latest version if `version` is None."""

    bucket: str
    key: str
    version: str | None = None


@dataclass(frozen=True)
class AssumedRole:
    """An IAM role of another account, and the external ID that it requires."""

    arn: str
    external_id: str


def partition_of(region: str) -> str:
    """The part of AWS that a region is in, as ARNs name it."""
    special = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((partition for start, partition in special.items() if region.startswith(start)), "aws")


def object_arn(bucket: str, key: str, *, region: str) -> str:
    """The ARN of an object."""
    return f"arn:{partition_of(region)}:s3:::{bucket}/{key}"


@dataclass(frozen=True)
class PresignedForm:
    """A presigned POST: the URL, and the form fields to send before the file."""

    url: str
    fields: dict[str, str]
