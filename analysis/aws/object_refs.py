"""A picture where it lies, and where it may be sent, instead of its bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Object:
    """An object in S3, in the region of whoever is to fetch it; without a version it is the newest."""

    bucket: str
    key: str
    version: str | None = None


@dataclass(frozen=True)
class PresignedForm:
    """What a browser sends a file with: the address, and the fields that go before the file."""

    url: str
    fields: dict[str, str]
