"""A picture where it lies, instead of its bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Object:
    """An object in S3, in the region of whoever is to fetch it; without a version it is the newest."""

    bucket: str
    key: str
    version: str | None = None
