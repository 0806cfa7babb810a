"""Content-Security-Policy: allows this site and the picture storage only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

REPORT_PATH = "/csp-report/"
REPORT_GROUP = "csp"


def origin(bucket: str, *, region: str, endpoint: str) -> list[str]:
    """The origin of the URLs that analysis/storage/s3.py signs; empty without S3."""
    if not bucket:
        return []
    if endpoint:
        parts = urlsplit(endpoint)
        return [f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"]  # without credentials, since browsers see it
    suffix = "com.cn" if region.startswith("cn-") else "com"
    return [f"https://{bucket}.s3.{region or 'us-east-1'}.amazonaws.{suffix}"]


def policy(*, images: Sequence[str], uploads: Sequence[str]) -> dict[str, Any]:
    """Return CONTENT_SECURITY_POLICY with the origins of pictures and uploads."""
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "data:", "blob:", *images],
            "font-src": [SELF],
            "connect-src": [SELF, *uploads],
            # form-action, frame-ancestors and base-uri do not fall back to default-src: without a line each, everything
            # would be allowed.
            "form-action": [SELF],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
            "report-uri": [REPORT_PATH],
            "report-to": [REPORT_GROUP],
        }
    }
