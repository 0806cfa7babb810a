"""Addresses as they may be shown: without the name and password that may stand in them."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s\"']*@")


def without_credentials(text: str) -> str:
    """The text with `scheme://name:password@host` as `scheme://host`."""
    return _CREDENTIALS.sub("", text)
