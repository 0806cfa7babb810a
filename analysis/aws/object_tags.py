"""Tags of objects in S3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analysis.aws import clients
from analysis.aws.object_refs import S3Object

READ_ACTION, WRITE_ACTION = "s3:GetObjectTagging", "s3:PutObjectTagging"
# S3's limit for an object, others' tags included (S3, "Categorizing your objects using tags").
MAX_TAGS = 10
MAX_NAME = 128
"""Characters (S3, "Categorizing your objects using tags")."""
# Letters, digits and spaces of any script, and + - = . _ : / @ (S3, "PutObjectTagging").
_REFUSED = re.compile(r"[^\w\s+\-=.:/@]")


def clean_tag(text: str) -> str:
    """The text with hyphens in place of characters that tags must not contain."""
    return " ".join(_REFUSED.sub("-", text).split())


def get_tags(client: Any, target: S3Object) -> dict[str, str]:
    """Raises AWSError."""
    with clients.translate_errors():
        response = client.get_object_tagging(**_params(target))
    return {tag["Key"]: tag["Value"] for tag in response["TagSet"]}


def put_tags(client: Any, target: S3Object, tags: Mapping[str, str]) -> None:
    """Replace all tags of an object. Raises AWSError."""
    tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
    with clients.translate_errors():
        client.put_object_tagging(**_params(target), Tagging={"TagSet": tag_set})


def _params(target: S3Object) -> dict[str, str]:
    version = {"VersionId": target.version} if target.version else {}
    return {"Bucket": target.bucket, "Key": target.key, **version}
