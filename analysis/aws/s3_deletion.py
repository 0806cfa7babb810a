"""Deletes many objects of the storage's bucket, including their versions."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from analysis.aws.clients import translate_errors
from analysis.aws.errors import AWSError

Client: TypeAlias = Any  # botocore creates client classes at run time
Item = TypeVar("Item")
PER_REQUEST = 1_000  # S3's maximum
logger = logging.getLogger(__name__)


def delete_keys(client: Client, bucket: str, keys: Sequence[str]) -> list[str]:
    """Delete objects; returns the keys of those deleted. Raises botocore's errors."""
    deleted: list[str] = []
    for part in _parts(keys):
        response = _delete(client, bucket, [{"Key": key} for key in part])
        deleted += [item["Key"] for item in response.get("Deleted", [])]
        # In versioned buckets S3 only adds a marker. Then all versions of the key are deleted, since the storage never
        # reuses a key.
        marked = [item["Key"] for item in response.get("Deleted", []) if item.get("DeleteMarker")]
        _delete_versions(client, bucket, marked)
    return deleted


def _delete_versions(client: Client, bucket: str, keys: Sequence[str]) -> None:
    try:
        with translate_errors():
            versions = [version for key in keys for version in _versions_of(client, bucket, key)]
            for part in _parts(versions):
                _delete(client, bucket, part)
    except AWSError as error:
        # Not retried, since each attempt would add another marker. The log names the missing permission.
        logger.warning(
            "The bucket %s keeps old versions of deleted files. It needs s3:ListBucketVersions and"
            " s3:DeleteObjectVersion (%s).",
            bucket,
            error.code,
        )


def _versions_of(client: Client, bucket: str, key: str) -> Iterator[dict[str, str]]:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            if item["Key"] == key:
                yield {"Key": key, "VersionId": item["VersionId"]}


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), PER_REQUEST):
        yield items[start : start + PER_REQUEST]


def _delete(client: Client, bucket: str, objects: Sequence[dict[str, str]]) -> dict[str, Any]:
    response: dict[str, Any] = client.delete_objects(Bucket=bucket, Delete={"Objects": list(objects)})
    return response
