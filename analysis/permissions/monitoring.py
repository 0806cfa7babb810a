"""The access rule for monitoring programs, which read metrics and error causes."""

from __future__ import annotations

import hmac
from ipaddress import ip_address, ip_network

from django.conf import settings


def can_read_metrics(*, token: str, address: str) -> bool:
    """True with METRICS_TOKEN or from METRICS_ADDRESSES; neither is set by default."""
    expected = settings.METRICS_TOKEN
    # Encoded, since compare_digest raises TypeError for strings that are not ASCII.
    if expected and hmac.compare_digest(token.encode(), expected.encode()):
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(text, strict=False) for text in settings.METRICS_ADDRESSES)
