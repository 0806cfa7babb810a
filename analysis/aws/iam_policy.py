"""Minimal IAM policies, for users to copy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from analysis.aws.bucket_settings import ACTIONS
from analysis.aws.object_refs import partition_of

DELETIONS = ("s3:DeleteObject", "s3:DeleteObjectVersion")


def minimal_policy(
    *,
    operations: Iterable[str] = (),
    bucket: str = "",
    prefix: str = "",
    reads_quotas: bool = False,
    roles: Iterable[str] = (),
    region: str = "",
) -> dict[str, Any]:
    """Policy for Rekognition, storage below a prefix, and assuming roles."""
    arn = f"arn:{partition_of(region)}:s3:::{bucket}"
    on_objects = sorted({*ACTIONS, *DELETIONS} - {"s3:ListBucket"})
    statements = [
        # These actions support no resources (AWS, "Actions, resources, and condition keys for Amazon Rekognition").
        _allow("Recognize", [f"rekognition:{name}" for name in sorted(operations)], "*"),
        _allow("FindPictures", ["s3:ListBucket", "s3:ListBucketVersions"] if bucket else [], arn),
        _allow("KeepPictures", on_objects if bucket else [], f"{arn}/{_folder(prefix)}*"),
        _allow("ReadQuotas", ["servicequotas:ListServiceQuotas"] if reads_quotas else [], "*"),
        *(_allow(f"AssumeBucketRole{number}", ["sts:AssumeRole"], role) for number, role in enumerate(roles, 1)),
    ]
    return {"Version": "2012-10-17", "Statement": [statement for statement in statements if statement["Action"]]}


def send_policy(*, action: str, arn: str) -> dict[str, Any]:
    """Policy for a service that receives messages about pictures."""
    return {"Version": "2012-10-17", "Statement": [_allow("SendPictures", [action], arn)]}


def tag_policy(prefixes: Iterable[str], *, region: str) -> dict[str, Any]:
    """Policy to set tags of objects.

    `prefixes`: each a bucket's name, a slash, and the beginning of its keys.
    """
    actions = [f"s3:{verb}{kind}Tagging" for verb in ("Get", "Put") for kind in ("Object", "ObjectVersion")]
    arns = [f"arn:{partition_of(region)}:s3:::{prefix}*" for prefix in prefixes]
    return {"Version": "2012-10-17", "Statement": [{**_allow("TagPictures", actions, ""), "Resource": arns}]}


def read_policy(*, bucket: str, prefix: str, may_delete: bool, region: str) -> dict[str, Any]:
    """Policy for a bucket whose images are indexed without moving them."""
    arn = f"arn:{partition_of(region)}:s3:::{bucket}"
    # In versioned buckets, the versions of an original are deleted, too.
    listing = _allow("ListPictures", ["s3:ListBucket", *(["s3:ListBucketVersions"] if may_delete else [])], arn)
    if prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": [f"{prefix}*"]}}
    actions = ["s3:GetObject", "s3:GetObjectVersion", *(DELETIONS if may_delete else [])]
    return {"Version": "2012-10-17", "Statement": [listing, _allow("ReadPictures", actions, f"{arn}/{prefix}*")]}


def assume_policy(role_arn: str) -> dict[str, Any]:
    """Policy for imagelib to assume a bucket's role."""
    return {"Version": "2012-10-17", "Statement": [_allow("AssumeBucketRole", ["sts:AssumeRole"], role_arn)]}


def trust_policy(*, account: str, external_id: str, region: str) -> dict[str, Any]:
    """Trust policy of a bucket's role, for an account with an external ID."""
    # The whole account, since web and workers have roles of their own. With the external ID, users who may add buckets
    # cannot read this one through another bucket (IAM, "The confused deputy problem").
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition_of(region)}:iam::{account}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }


def _allow(name: str, actions: list[str], resource: str) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resource}


def _folder(prefix: str) -> str:
    name = prefix.strip("/")
    return f"{name}/" if name else ""
