"""Objects in S3 buckets: list, download, presign, delete."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, Any, TypeAlias

from analysis.aws import clients
from analysis.aws.object_refs import AssumedRole, S3Object
from analysis.aws.url_credentials import redact_url_credentials

Client: TypeAlias = Any  # botocore creates client classes at run time

PAGE = 1_000  # keys, S3's maximum
CHUNK_BYTES = 2**20
CHANGED_CODES = frozenset({"412", "PreconditionFailed"})
NO_VERSION = "null"
"""S3's version ID of objects that were stored before versioning was enabled."""
MAX_VERSION_PAGES = 100
VERSION_GONE = frozenset({"NoSuchVersion"})

_lock = threading.Lock()
_clients: dict[tuple[str, str, AssumedRole | None], Client] = {}


@dataclass(frozen=True)
class ObjectInfo:
    """An object by its listing or its GET response; `etag` is without quotes."""

    key: str
    etag: str
    size: int
    version_id: str = ""
    encoding: str = ""
    """Content-Encoding, such as gzip."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Of a GET response: what the uploader stored with it."""


@dataclass(frozen=True)
class ObjectVersion:
    """One version of an object, or the marker of its deletion."""

    id: str
    etag: str
    is_delete_marker: bool


def has_own_endpoint() -> bool:
    """True if an S3-compatible server is configured instead of AWS."""
    return bool(_endpoint())


def client(*, region: str, role: AssumedRole | None = None) -> Client:
    """The client of a region and a role, shared by all threads.

    Raises AWSError for an invalid configuration.
    """
    # Clients are thread-safe, and one for each thread is expensive: 15 s of processor time and 900 MB with 64 threads.
    key = region, _endpoint(), role
    with _lock:
        if key not in _clients:
            _clients[key] = clients.s3_client(region=region, role=role, has_endpoint=bool(key[1]))
        return _clients[key]


def reset() -> None:
    """Discard clients, after credentials or the endpoint changed."""
    with _lock:
        _clients.clear()


def pages(
    client: Client, bucket: str, *, prefix: str = "", after: str = "", size: int = PAGE
) -> Iterator[list[ObjectInfo]]:
    """Pages of objects after a key, in the order of the keys' bytes. Raises AWSError."""
    # StartAfter instead of a continuation token, which expires, since a run may be continued a week later.
    params: dict[str, Any] = {"Bucket": bucket, "MaxKeys": size}
    params |= {"Prefix": prefix} if prefix else {}
    params |= {"StartAfter": after} if after else {}
    while True:
        with clients.translate_errors():
            response = client.list_objects_v2(**params)
        yield [ObjectInfo(item["Key"], item["ETag"].strip('"'), item["Size"]) for item in response.get("Contents", [])]
        if not response.get("IsTruncated"):
            return
        params["ContinuationToken"] = response["NextContinuationToken"]


def download(
    client: Client, target: S3Object, *, into: IO[bytes], etag: str = "", maximum: int | None = None
) -> ObjectInfo:
    """Download an object into a file, unless it has more than `maximum` bytes.

    Without a version, `etag` must still match. Raises AWSError.
    """
    with clients.translate_errors():
        response = client.get_object(**_params(target, etag=etag))
        # Closed unread if it is too large: reading the rest would waste traffic, and an open body would keep its
        # connection out of the pool.
        with closing(response["Body"]) as stream:
            if maximum is None or response["ContentLength"] <= maximum:
                for chunk in stream.iter_chunks(CHUNK_BYTES):
                    into.write(chunk)
    return _info(target.key, response)


def head(client: Client, target: S3Object, *, etag: str = "") -> str:
    """Request one byte of an object, and return its version. Raises AWSError.

    HeadObject also succeeds for objects that are archived, or whose KMS key is denied.
    """
    with clients.translate_errors():
        response = client.get_object(**_params(target, etag=etag), Range="bytes=0-0")
        response["Body"].close()
    return _version(response)


def uploader_metadata(client: Client, target: S3Object, *, etag: str = "") -> Mapping[str, str]:
    """Metadata that the uploader stored with an object. Raises AWSError."""
    with clients.translate_errors():
        response = client.head_object(**_params(target, etag=etag))
    return dict(response.get("Metadata", {}))


def is_addressable(key: str) -> bool:
    """False for keys with . or .. as a part, which browsers resolve in URLs."""
    return not {".", ".."} & set(key.split("/"))


def download_url(client: Client, target: S3Object, *, seconds: int, disposition: str) -> str:
    """A presigned URL to download an object. Raises AWSError without credentials."""
    # Not the type that the uploader chose, which may be HTML or SVG with scripts.
    headers = {"ResponseContentDisposition": disposition, "ResponseContentType": "application/octet-stream"}
    with clients.translate_errors():
        url = client.generate_presigned_url("get_object", Params=_params(target) | headers, ExpiresIn=seconds)
    return redact_url_credentials(str(url))


def delete(client: Client, target: S3Object, *, etag: str = "") -> None:
    """Delete the current object, if given only with this ETag. Raises AWSError."""
    if etag:
        head(client, target, etag=etag)
    # S3 compares the ETag again while deleting; other servers may reject a condition they do not know.
    condition = {"IfMatch": f'"{etag}"'} if etag and not has_own_endpoint() else {}
    with clients.translate_errors():
        client.delete_object(Bucket=target.bucket, Key=target.key, **condition)


def versions(client: Client, target: S3Object) -> list[ObjectVersion]:
    """All versions and delete markers of an object, the latest first.

    Raises AWSError.
    """
    rows: list[dict[str, Any]] = []
    markers: dict[str, str] = {}
    # Longer keys with this prefix are listed, too, after it.
    for _page in range(MAX_VERSION_PAGES):
        with clients.translate_errors():
            response = client.list_object_versions(Bucket=target.bucket, Prefix=target.key, **markers)
        rows += [item for item in response.get("Versions", []) if item["Key"] == target.key]
        rows += [item for item in response.get("DeleteMarkers", []) if item["Key"] == target.key]
        if not response.get("IsTruncated") or response.get("NextKeyMarker", "") > target.key:
            break
        markers = {"KeyMarker": response["NextKeyMarker"], "VersionIdMarker": response["NextVersionIdMarker"]}
    # Versions and markers are two lists, each with the latest first.
    rows.sort(key=lambda item: (item["IsLatest"], item["LastModified"]), reverse=True)
    return [
        ObjectVersion(item["VersionId"], str(item.get("ETag", "")).strip('"'), is_delete_marker="ETag" not in item)
        for item in rows
    ]


def delete_versions(client: Client, target: S3Object, version_ids: list[str]) -> None:
    """Delete these versions, oldest first. Raises AWSError."""
    # One by one, since an original has few and self-hosted servers may lack DeleteObjects.
    for version_id in reversed(version_ids):
        with clients.translate_errors():
            client.delete_object(Bucket=target.bucket, Key=target.key, VersionId=version_id)


def _params(target: S3Object, *, etag: str = "") -> dict[str, str]:
    params = {"Bucket": target.bucket, "Key": target.key}
    if target.version:
        return params | {"VersionId": target.version}
    # An ETag is a quoted string in HTTP (RFC 9110, 8.8.3); S3 compares the quotes, too.
    return params | ({"IfMatch": f'"{etag}"'} if etag else {})


def _info(key: str, response: dict[str, Any]) -> ObjectInfo:
    return ObjectInfo(
        key,
        response["ETag"].strip('"'),
        response["ContentLength"],
        _version(response),
        _encoding(response),
        response.get("Metadata", {}),
    )


def _encoding(response: dict[str, Any]) -> str:
    """Content-Encoding without aws-chunked, which some uploads leave behind."""
    names = (name.strip().lower() for name in str(response.get("ContentEncoding", "")).split(","))
    return ", ".join(name for name in names if name not in {"", "identity", "aws-chunked"})


def _version(response: dict[str, Any]) -> str:
    version = str(response.get("VersionId", ""))
    return "" if version == NO_VERSION else version


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL_S3", "") or os.environ.get("AWS_ENDPOINT_URL", "")
