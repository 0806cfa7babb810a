"""Signatures of webhook messages, by the rules of Standard Webhooks.

https://www.standardwebhooks.com

The signed text is `id.timestamp.body`, so that a recorded message cannot be sent again later or under another id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

# The specification's form of a secret: this prefix and the base64 of 24 to 64 bytes.
PREFIX = "whsec_"


def new_secret() -> str:
    """A random key of 24 bytes, as text."""
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def signed_headers(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    `timestamp` is in seconds since 1970.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    text = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
