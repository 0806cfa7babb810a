"""References to S3 objects, and forms to upload them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Object:
    """An object in S3; its latest version if `version` is None."""

    bucket: str
    key: str
    version: str | None = None


@dataclass(frozen=True)
class PresignedForm:
    """A presigned POST: the URL, and the form fields to send before the file."""

    url: str
    fields: dict[str, str]
