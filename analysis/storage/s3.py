"""S3 as Django storage.

One connection for all threads, and boto3's errors as OSError.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import quote, urlsplit

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import NoCredentialsError
from django.core.files import File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from analysis.aws.object_refs import PresignedForm, S3Object
from analysis.aws.s3_deletion import delete_keys
from analysis.aws.url_credentials import redact_url_credentials
from analysis.storage.presigned_urls import DOWNLOAD_SECONDS, Distribution, presign, signed_at
from analysis.storage.s3_errors import as_oserror
from analysis.storage.s3_multipart import UNTYPED, MultipartUploads

MB = 2**20


class DownloadedFile(File):
    """An object's bytes and their ETag."""

    def __init__(self, file: IO[bytes], *, name: str, etag: str) -> None:
        super().__init__(file, name=name)
        self.etag = etag


class SharedS3Storage(MultipartUploads, S3Storage):
    """S3 storage with one connection for all threads.

    Keys are never reused, so overwriting needs no HEAD request first. Presigned URLs work in every region with s3v4 and
    virtual addressing. Source: docs/aws.md.
    """

    # boto3 loads and parses a megabyte of service model for each client. A client may be shared by threads, but
    # sessions and resources must not be created concurrently (boto3, "Multithreading").
    _lock = threading.Lock()
    _shared: Any = None

    def __init__(
        self,
        *,
        url_seconds: int = 0,
        distribution: Mapping[str, str] | None = None,
        encryption: Mapping[str, str] | None = None,
        storage_class: str = "",
        **options: Any,
    ) -> None:
        self.url_seconds, self.storage_class = url_seconds, storage_class
        self.encryption = {name: value for name, value in (encryption or {}).items() if value}
        self.distribution = Distribution(**distribution) if distribution and distribution.get("domain") else None
        endpoint = options.get("endpoint_url")
        checksums = "when_required" if endpoint else "when_supported"  # S3-compatible servers reject newer checksums
        options.setdefault("file_overwrite", True)
        # Buckets created since April 2023 have ACLs disabled and reject requests that set one.
        options.setdefault("default_acl", None)
        options.setdefault("max_memory_size", 8 * MB)
        # A key never gets other bytes, so browsers may keep them.
        options.setdefault("object_parameters", {"CacheControl": "private, max-age=31536000, immutable"})
        # No threads of S3Transfer, since uploads run in request threads and workers, and it would start ten for each.
        options.setdefault("transfer_config", TransferConfig(use_threads=False, multipart_threshold=16 * MB))
        options.setdefault(
            "client_config",
            Config(
                signature_version="s3v4",
                # S3-compatible servers may have no host name for each bucket.
                s3={"addressing_style": "path" if endpoint else "virtual"},
                retries={"mode": "standard", "total_max_attempts": 3},
                # Pages wait for S3, and botocore's timeouts are 60 seconds each by default.
                connect_timeout=3,
                read_timeout=30,
                # By default ten connections are kept, and the other threads' are closed after each request.
                max_pool_connections=64,
                request_checksum_calculation=checksums,
                response_checksum_validation=checksums,
            ),
        )
        super().__init__(**options)

    @property
    def connection(self) -> Any:
        if self._shared is None:
            with self._lock:
                if self._shared is None:
                    self._shared = self._create_session().resource(
                        "s3", region_name=self.region_name, endpoint_url=self.endpoint_url, config=self.client_config
                    )
        return self._shared

    def signed_url(self, name: str) -> str | None:
        """A signed URL for browsers; None if imagelib sends the files itself."""
        key = self._normalize_name(clean_name(name))
        if not self.url_seconds:
            return None
        if self.distribution:
            return self.distribution.url_of(key, seconds=self.url_seconds)
        return self._presigned(key, seconds=self.url_seconds)

    def attachment_url(self, name: str, *, disposition: str) -> str | None:
        """A short-lived URL to download an object."""
        # Not by CloudFront, which only forwards response-* parameters if its distribution is configured to.
        # Short-lived, since download links are copied into mails and chats.
        key, seconds = self._normalize_name(clean_name(name)), min(self.url_seconds, DOWNLOAD_SECONDS)
        overrides = {"response-content-disposition": disposition, "response-content-type": "application/octet-stream"}
        return self._presigned(key, seconds=seconds, overrides=overrides) if seconds else None

    def _presigned(self, key: str, *, seconds: int, overrides: Mapping[str, str] = MappingProxyType({})) -> str:
        with as_oserror(self.bucket_name):
            credentials = self.connection.meta.client._request_signer._credentials
            if credentials is None:
                raise NoCredentialsError
            return presign(
                f"{self.origin}{self._path}/{quote(key)}",
                credentials=credentials.get_frozen_credentials(),
                region=self.region_name or "us-east-1",
                seconds=seconds,
                when=signed_at(key, seconds=seconds, now=time.time()),
                overrides=overrides,
            )

    def presigned_form(self, name: str, *, size: int, seconds: int) -> PresignedForm:
        """A presigned form for exactly `size` bytes, which browsers will not display."""
        headers = {"Content-Type": UNTYPED}
        names = {"ServerSideEncryption": "x-amz-server-side-encryption"}
        names |= {"SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id"}
        fields = headers | {names[name]: value for name, value in self.encryption.items()}
        with as_oserror(self.bucket_name):
            form = self.connection.meta.client.generate_presigned_post(
                self.bucket_name,
                self._normalize_name(clean_name(name)),
                Fields=fields,
                Conditions=[{name: value} for name, value in fields.items()] + [["content-length-range", size, size]],
                ExpiresIn=seconds,
            )
        return PresignedForm(redact_url_credentials(form["url"]), form["fields"])

    def copy(self, source: str, target: str, *, etag: str) -> None:
        """Copy inside the bucket, only if the source still has this ETag."""
        with as_oserror(self.bucket_name):
            self.connection.meta.client.copy_object(
                Bucket=self.bucket_name,
                Key=self._normalize_name(clean_name(target)),
                CopySource={"Bucket": self.bucket_name, "Key": self._normalize_name(clean_name(source))},
                CopySourceIfMatch=etag,
                # REPLACE, since S3 would otherwise copy the metadata of the browser's form, which lacks Cache-Control.
                MetadataDirective="REPLACE",
                ContentType=UNTYPED,
                **self.get_object_parameters(target),
            )

    def size(self, name: str) -> int:
        with as_oserror(self.bucket_name):
            key = self._normalize_name(clean_name(name))
            return int(self.connection.meta.client.head_object(Bucket=self.bucket_name, Key=key)["ContentLength"])

    @property
    def origin(self) -> str:
        """Origin of the bucket's URLs, for the Content-Security-Policy and signed URLs."""
        return origin_of(self.bucket_name, region=self.region_name or "", endpoint=self.endpoint_url or "")

    @property
    def _path(self) -> str:
        # S3-compatible servers get path-style URLs.
        return f"{urlsplit(self.endpoint_url).path.rstrip('/')}/{self.bucket_name}" if self.endpoint_url else ""

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Encryption, and the storage class of originals.

        Small objects cost more in most classes.
        """
        parameters = {**super().get_object_parameters(name), **self.encryption}
        # Infrequent Access bills at least 128 kB for each object, more than a thumbnail has.
        if self.storage_class and name.startswith("originals/"):
            parameters["StorageClass"] = self.storage_class
        return parameters

    def reference(self, name: str, *, region: str) -> S3Object | None:
        """The S3 object for AWS services in a region; None where they cannot read it."""
        if self.endpoint_url or self.region_name not in {None, region}:
            return None
        return S3Object(self.bucket_name, self._normalize_name(clean_name(name)))

    def _save(self, name: str, content: Any) -> str:
        with as_oserror(self.bucket_name):
            return str(super()._save(name, content))

    def _open(self, name: str, mode: str = "rb") -> Any:  # noqa: ARG002
        """Download an object completely, so that errors occur here and not in a reader."""
        with ExitStack() as on_failure, as_oserror(self.bucket_name):
            file = on_failure.enter_context(tempfile.SpooledTemporaryFile(max_size=8 * MB))
            key = self._normalize_name(clean_name(name))
            response = self.connection.meta.client.get_object(Bucket=self.bucket_name, Key=key)
            shutil.copyfileobj(response["Body"], file, MB)
            file.seek(0)
            on_failure.pop_all()
        return DownloadedFile(file, name=name, etag=response["ETag"])

    def read_range(self, name: str, *, start: int, length: int) -> bytes:
        """At most `length` bytes of an object, without downloading the others."""
        with as_oserror(self.bucket_name):
            key = self._normalize_name(clean_name(name))
            response = self.connection.meta.client.get_object(
                Bucket=self.bucket_name, Key=key, Range=f"bytes={start}-{start + length - 1}"
            )
            content: bytes = response["Body"].read(length)
            return content

    def delete(self, name: str) -> None:
        with as_oserror(self.bucket_name):
            super().delete(name)

    def delete_many(self, names: Sequence[str]) -> list[str]:
        """Delete objects with all their versions, 1,000 per request.

        Returns the names of those that are deleted.
        """
        by_key = {self._normalize_name(clean_name(name)): name for name in names}
        with as_oserror(self.bucket_name):
            deleted = delete_keys(self.connection.meta.client, self.bucket_name, list(by_key))
        return [by_key[key] for key in deleted]

    def exists(self, name: str) -> bool:
        with as_oserror(self.bucket_name):
            return bool(super().exists(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with as_oserror(self.bucket_name):
            folders, names = super().listdir(name)
        return folders, names


def origin_of(bucket: str, *, region: str, endpoint: str) -> str:
    """Scheme and host of a bucket's URLs."""
    if endpoint:
        parts = urlsplit(endpoint)
        return redact_url_credentials(f"{parts.scheme}://{parts.netloc}")
    # China's regions are a separate partition; GovCloud's have the usual suffix.
    suffix = "com.cn" if region.startswith("cn-") else "com"
    return f"https://{bucket}.s3.{region or 'us-east-1'}.amazonaws.{suffix}"
