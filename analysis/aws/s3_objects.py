"""Objects of buckets that are not ours: list them, look at one, fetch its bytes, delete it where we may."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Any, TypeAlias

from analysis.aws import clients
from analysis.aws.object_refs import S3Object

Client: TypeAlias = Any  # botocore makes its classes as it goes

PAGE = 1_000  # keys, S3's most
PIECE = 2**20
CHANGED_CODES = frozenset({"412", "PreconditionFailed"})
VERSION_GONE = frozenset({"NoSuchVersion"})

_making = threading.Lock()
_clients: dict[tuple[str, str], Client] = {}


@dataclass(frozen=True)
class ObjectInfo:
    """An object as a listing or a look at it tells; `etag` without its quotes."""

    key: str
    etag: str
    size: int
    version_id: str = ""
    encoding: str = ""
    """Content-Encoding, such as gzip: how the bytes are compressed, if the object says so."""


def has_own_endpoint() -> bool:
    """Whether S3 is some other server than AWS's."""
    return bool(_endpoint())


def client(*, region: str) -> Client:
    """One for all threads, with bounded waits. Raises Refused where its configuration cannot be used."""
    key = region, _endpoint()
    with _making:
        if key not in _clients:
            _clients[key] = clients.s3_client(region=region, has_endpoint=bool(key[1]))
        return _clients[key]


def reset() -> None:
    """Have clients made anew, for other credentials or another endpoint."""
    with _making:
        _clients.clear()


def pages(
    client: Client, bucket: str, *, prefix: str = "", after: str = "", size: int = PAGE
) -> Iterator[list[ObjectInfo]]:
    """The objects after a key, page by page in the order of the keys' bytes. Raises Refused."""
    asked: dict[str, Any] = {"Bucket": bucket, "MaxKeys": size}
    asked |= {"Prefix": prefix} if prefix else {}
    asked |= {"StartAfter": after} if after else {}
    while True:
        with clients.translate_errors():
            said = client.list_objects_v2(**asked)
        yield [ObjectInfo(each["Key"], each["ETag"].strip('"'), each["Size"]) for each in said.get("Contents", [])]
        if not said.get("IsTruncated"):
            return
        asked["ContinuationToken"] = said["NextContinuationToken"]


def download(
    client: Client, place: S3Object, *, into: IO[bytes], etag: str = "", maximum: int | None = None
) -> ObjectInfo:
    """Write an object's bytes into a file, at most `most` of them, and answer what it is.

    With an etag, only if that is still its own; a version cannot change. Raises Refused.
    """
    with clients.translate_errors():
        said = client.get_object(**_asked(place, etag=etag))
        with closing(said["Body"]) as stream:
            if maximum is None or said["ContentLength"] <= maximum:
                for piece in stream.iter_chunks(PIECE):
                    into.write(piece)
    return _listed(place.key, said)


def head(client: Client, place: S3Object, *, etag: str = "") -> str:
    """Fetch one byte, to find out whether the object is given, with that etag or version; answers its version.

    Raises Refused.

    S3 tells of one that is archived, or whose key is denied, as if it were there, until it is asked for its bytes.
    """
    with clients.translate_errors():
        said = client.get_object(**_asked(place, etag=etag), Range="bytes=0-0")
        said["Body"].close()
    return _version(said)


def is_addressable(key: str) -> bool:
    """Whether browsers leave it as it is: of an address they take away what looks like a way up a folder."""
    return not {".", ".."} & set(key.split("/"))


def download_url(client: Client, place: S3Object, *, seconds: int, disposition: str) -> str:
    """Where a browser may fetch an object for a while, to save it. Raises Refused where nothing can be signed."""
    said = {"ResponseContentDisposition": disposition, "ResponseContentType": "application/octet-stream"}
    with clients.translate_errors():
        return str(client.generate_presigned_url("get_object", Params=_asked(place) | said, ExpiresIn=seconds))


def delete(client: Client, place: S3Object) -> None:
    """Raises Refused."""
    with clients.translate_errors():
        client.delete_object(Bucket=place.bucket, Key=place.key)


def _asked(place: S3Object, *, etag: str = "") -> dict[str, str]:
    asked = {"Bucket": place.bucket, "Key": place.key}
    if place.version:
        return asked | {"VersionId": place.version}
    return asked | ({"IfMatch": f'"{etag}"'} if etag else {})


def _listed(key: str, said: dict[str, Any]) -> ObjectInfo:
    return ObjectInfo(key, said["ETag"].strip('"'), said["ContentLength"], _version(said), _encoding(said))


def _encoding(said: dict[str, Any]) -> str:
    """Without how it was sent to S3: uploads in pieces leave aws-chunked behind."""
    names = (name.strip().lower() for name in str(said.get("ContentEncoding", "")).split(","))
    return ", ".join(name for name in names if name not in {"", "identity", "aws-chunked"})


def _version(said: dict[str, Any]) -> str:
    version = str(said.get("VersionId", ""))
    return "" if version == "null" else version


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL_S3", "") or os.environ.get("AWS_ENDPOINT_URL", "")
