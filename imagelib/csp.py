"""The pages' Content-Security-Policy: nothing inline and nothing from elsewhere, but for the pictures' own storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF


def origin(bucket: str, *, region: str, endpoint: str) -> list[str]:
    """Of a bucket, as store/s3.py says it too; none without one."""
    if not bucket:
        return []
    if endpoint:
        parts = urlsplit(endpoint)
        return [f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"]  # every browser is told: no credentials
    suffix = "com.cn" if region.startswith("cn-") else "com"
    return [f"https://{bucket}.s3.{region or 'us-east-1'}.amazonaws.{suffix}"]


def policy(*, images: Sequence[str], uploads: Sequence[str]) -> dict[str, Any]:
    """With the origins that pictures come from, inlined as data: besides, and that uploads go to."""
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "data:", "blob:", *images],
            "font-src": [SELF],
            "connect-src": [SELF, *uploads],
            "form-action": [SELF],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
        }
    }
