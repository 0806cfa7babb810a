"""Multipart uploads to S3, whose parts browsers send by presigned URLs.

Source: AWS, "Uploading and copying objects using multipart upload".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storages.utils import clean_name

from analysis.aws.url_credentials import redact_url_credentials
from analysis.storage.s3_errors import as_oserror

UNTYPED = "application/octet-stream"
"""Media type of unchecked files, which browsers do not display."""


class MultipartUploads:
    """Multipart uploads of an S3 storage, as a mixin."""

    bucket_name: str
    encryption: Mapping[str, str]
    connection: Any
    _normalize_name: Any

    def start_multipart(self, name: str) -> str:
        """The id of a new upload in parts."""
        with as_oserror(self.bucket_name):
            # Type and encryption of the completed object are set here; a part has none of its own.
            started = self._client.create_multipart_upload(**self._object(name), ContentType=UNTYPED, **self.encryption)
        return str(started["UploadId"])

    def part_url(self, name: str, upload_id: str, *, number: int, size: int, seconds: int) -> str:
        """A presigned URL to PUT exactly `size` bytes as one part."""
        # The length is signed, so that a large part cannot be sent to the URL of a small one.
        part = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size}
        with as_oserror(self.bucket_name):
            url = self._client.generate_presigned_url(
                "upload_part", Params={**self._object(name), **part}, ExpiresIn=seconds
            )
        return redact_url_credentials(str(url))

    def multipart_sizes(self, name: str, upload_id: str) -> dict[int, tuple[int, str]]:
        """Size and ETag of the parts that have arrived, by number."""
        with as_oserror(self.bucket_name):
            # A response lists at most 1,000 parts, and an upload may have 10,000.
            pages = self._client.get_paginator("list_parts").paginate(**self._object(name), UploadId=upload_id)
            parts = [part for page in pages for part in page.get("Parts", ())]
        return {part["PartNumber"]: (part["Size"], part["ETag"]) for part in parts}

    def complete_multipart(self, name: str, upload_id: str, etags: Mapping[int, str]) -> None:
        """Complete the object from its parts."""
        # S3 refuses parts that are not in ascending order (InvalidPartOrder).
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(etags.items())]
        with as_oserror(self.bucket_name):
            self._client.complete_multipart_upload(
                **self._object(name), UploadId=upload_id, MultipartUpload={"Parts": parts}
            )

    def abort_multipart(self, name: str, upload_id: str) -> None:
        """Delete the parts, if they still exist."""
        try:
            with as_oserror(self.bucket_name):
                self._client.abort_multipart_upload(**self._object(name), UploadId=upload_id)
        except FileNotFoundError:
            return

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(clean_name(name))}
