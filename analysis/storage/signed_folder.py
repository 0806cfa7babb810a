"""A folder from which nginx serves renditions by signed URLs, without imagelib.

As with S3, access is checked when a page is given the URL.
"""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import quote

from django.core.files.storage import FileSystemStorage

from analysis.storage.presigned_urls import signed_at

PREFIX = "/signed-files/"
"""nginx's location; docs/operations.md has its configuration."""


class SignedFolder(FileSystemStorage):
    def __init__(self, *, signing_key: str, signed_seconds: int, **options: Any) -> None:
        super().__init__(**options)
        self._signing_key, self._signed_seconds = signing_key, signed_seconds

    def signed_url(self, name: str) -> str | None:
        """A URL for browsers, constant for half of its lifetime."""
        until = signed_at(name, seconds=self._signed_seconds, now=time.time()) + self._signed_seconds
        path = f"{PREFIX}{quote(name)}"
        return f"{path}?until={until}&signature={signature(path, until=until, key=self._signing_key)}"


def signature(path: str, *, until: int, key: str) -> str:
    """As nginx's `secure_link_md5 "$secure_link_expires$uri key"` computes it."""
    # nginx's module supports only MD5. With the key at the end, length extension is impossible.
    digest = hashlib.md5(f"{until}{path} {key}".encode(), usedforsecurity=False).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
