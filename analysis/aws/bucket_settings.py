"""What a bucket lets us do, found out by harmless requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from analysis.aws import clients
from analysis.aws.errors import AWSError

ACTIONS = ("s3:ListBucket", "s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:DeleteObject")
NEVER = "check-connection-of-imagelib"
"""A key that nobody has. Where versions are kept, to delete it leaves a delete marker, which costs nothing."""
ABSENT = frozenset({"404", "NoSuchKey", "NoSuchUpload"})
"""What is asked for need not be there: who is told so was allowed to ask."""


@dataclass(frozen=True)
class Step:
    """One request: the IAM action it needs, how long it took, and why it was refused, if it was."""

    action: str
    milliseconds: int
    refusal: AWSError | None = None


def region_of(client: Any, bucket: str) -> str:
    """Where a bucket is, as far as the server says. Raises Refused, whose `region` may tell it as well."""
    with clients.translate_errors():
        said = client.head_bucket(Bucket=bucket)
    headers = said.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(said.get("BucketRegion") or headers.get("x-amz-bucket-region", ""))


def permissions(client: Any, bucket: str, *, key: str, content: bytes) -> Iterator[Step]:
    """Put, read and delete an object of ours under this key, list it, and stop an upload that never began."""
    at: dict[str, Any] = {"Bucket": bucket, "Key": key}

    def read() -> None:
        client.get_object(**at)["Body"].read()

    requests: dict[str, Callable[[], Any]] = {
        "s3:ListBucket": lambda: client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1),
        "s3:PutObject": lambda: client.put_object(**at, Body=content),
        "s3:GetObject": read,
        "s3:AbortMultipartUpload": lambda: client.abort_multipart_upload(**at, UploadId="none"),
        "s3:DeleteObject": lambda: client.delete_object(**at),
    }
    for action in ACTIONS:
        yield _step(action, requests[action])


def check_readable(client: Any, bucket: str, *, prefix: str, may_delete: bool) -> Iterator[Step]:
    """List, look at and read an object, and delete one that never was there; nothing is put and nothing goes."""
    found: list[str] = []

    def listing() -> None:
        said = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=10)
        found.extend(each["Key"] for each in said.get("Contents", []) if each["Size"])

    def reading() -> None:
        key = found[0] if found else f"{prefix}{NEVER}"
        client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()

    yield _step("s3:ListBucket", listing)
    yield _step("s3:GetObject", reading)
    if may_delete:
        yield _step("s3:DeleteObject", lambda: client.delete_object(Bucket=bucket, Key=f"{prefix}{NEVER}"))


@contextmanager
def put_test_object(client: Any, bucket: str, *, key: str, content: bytes) -> Iterator[None]:
    """An object that is there for as long as the block runs. Raises Refused."""
    with clients.translate_errors():
        client.put_object(Bucket=bucket, Key=key, Body=content)
    try:
        yield
    finally:
        with clients.translate_errors():
            client.delete_object(Bucket=bucket, Key=key)


def _step(action: str, request: Callable[[], Any]) -> Step:
    started, refusal = time.perf_counter(), None
    try:
        with clients.translate_errors():
            request()
    except AWSError as refused:
        refusal = None if refused.code in ABSENT else refused
    return Step(action, round((time.perf_counter() - started) * 1000), refusal)
