"""Encryption of two-step secrets, with a key derived from SECRET_KEY."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

MAX_CHECKED = 200


class SecretUnreadable(Exception):
    """A secret of app or recovery codes was encrypted with another SECRET_KEY."""


def encrypt(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Decrypt a secret. Raises SecretUnreadable."""
    try:
        return _keys().decrypt(text.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error


def unreadable_usernames() -> list[str]:
    """Users whose app secret needs another SECRET_KEY, among the latest few hundred."""
    rows = Authenticator.objects.filter(type=Authenticator.Type.TOTP).select_related("user").order_by("-pk")
    return sorted(row.user.get_username() for row in rows[:MAX_CHECKED] if not _is_readable(row.data["secret"]))


def _is_readable(text: str) -> bool:
    try:
        decrypt(text)
    except SecretUnreadable:
        return False
    return True


def _keys() -> MultiFernet:
    # The first key encrypts. The others decrypt what was encrypted before SECRET_KEY was changed.
    return MultiFernet([_key(text) for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret_key: str) -> Fernet:
    # With a prefix, so that no other use of SECRET_KEY has the same key.
    return Fernet(urlsafe_b64encode(sha256(b"imagelib two-step sign-in:" + secret_key.encode()).digest()))
