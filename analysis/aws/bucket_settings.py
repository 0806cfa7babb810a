"""Region and permissions of a bucket, tested with harmless requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from analysis.aws import clients
from analysis.aws.errors import AWSError

ACTIONS = (
    "s3:ListBucket",
    "s3:PutObject",
    "s3:GetObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:DeleteObject",
)
PROBE_KEY = "check-connection-of-imagelib"
"""A key that does not exist. Deleting it in a versioned bucket adds a delete marker, which costs nothing."""
ABSENT = frozenset({"404", "NoSuchKey", "NoSuchUpload"})
"""Errors that prove the permission, since S3 returns AccessDenied for requests that are not allowed."""


@dataclass(frozen=True)
class PermissionCheck:
    """A request that tests an IAM action, its duration, and its error if it failed."""

    action: str
    milliseconds: int
    refusal: AWSError | None = None


def region_of(client: Any, bucket: str) -> str:
    """The region of a bucket, or "". Raises AWSError, which may have the `region` too."""
    with clients.translate_errors():
        response = client.head_bucket(Bucket=bucket)
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(response.get("BucketRegion") or headers.get("x-amz-bucket-region", ""))


def permissions(client: Any, bucket: str, *, key: str, content: bytes) -> Iterator[PermissionCheck]:
    """Put, list, read and delete an object; abort and list a missing upload."""
    target: dict[str, Any] = {"Bucket": bucket, "Key": key}

    def read() -> None:
        client.get_object(**target)["Body"].read()

    requests: dict[str, Callable[[], Any]] = {
        "s3:ListBucket": lambda: client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1),
        "s3:PutObject": lambda: client.put_object(**target, Body=content),
        "s3:GetObject": read,
        "s3:AbortMultipartUpload": lambda: client.abort_multipart_upload(**target, UploadId="none"),
        "s3:ListMultipartUploadParts": lambda: client.list_parts(**target, UploadId="none"),
        "s3:DeleteObject": lambda: client.delete_object(**target),
    }
    for action in ACTIONS:
        yield _step(action, requests[action])


def check_readable(client: Any, bucket: str, *, prefix: str, may_delete: bool) -> Iterator[PermissionCheck]:
    """List and read an object, and delete one that does not exist. Nothing is written."""
    keys: list[str] = []

    def list_objects() -> None:
        response = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=10)
        # Not empty ones, such as the folders of S3's console: a range of one byte in them is an error (416).
        keys.extend(item["Key"] for item in response.get("Contents", []) if item["Size"])

    def read() -> None:
        key = keys[0] if keys else f"{prefix}{PROBE_KEY}"
        client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()

    yield _step("s3:ListBucket", list_objects)
    yield _step("s3:GetObject", read)
    if may_delete:
        yield _step("s3:DeleteObject", lambda: client.delete_object(Bucket=bucket, Key=f"{prefix}{PROBE_KEY}"))


@contextmanager
def put_test_object(client: Any, bucket: str, *, key: str, content: bytes) -> Iterator[None]:
    """Store an object for the duration of the block. Raises AWSError."""
    with clients.translate_errors():
        client.put_object(Bucket=bucket, Key=key, Body=content)
    try:
        yield
    finally:
        with clients.translate_errors():
            client.delete_object(Bucket=bucket, Key=key)


def _step(action: str, request: Callable[[], Any]) -> PermissionCheck:
    started, error = time.perf_counter(), None
    try:
        with clients.translate_errors():
            request()
    except AWSError as failure:
        error = None if failure.code in ABSENT else failure
    return PermissionCheck(action, round((time.perf_counter() - started) * 1000), error)
