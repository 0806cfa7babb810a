"""Removal of user names and passwords from URLs in messages."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s\"']*@")


def redact_url_credentials(text: str) -> str:
    """Replace `scheme://name:password@host` by `scheme://host`."""
    return _CREDENTIALS.sub("", text)
