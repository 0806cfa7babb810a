"""What django-allauth asks this site about two-step sign-in: encryption, and names."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class SecretUnreadable(Exception):
    """The secret of app or recovery codes was encrypted with another SECRET_KEY."""


class TwoStepAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("Incorrect code."),
        "cannot_generate_recovery_codes": gettext_lazy("Turn on app codes or add a passkey first."),
    }

    def encrypt(self, text: str) -> str:
        """So that a copy of the database alone lets nobody make codes."""
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SecretUnreadable."""
        try:
            return _keys().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadable from error

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return _("Passkey %(number)s") % {"number": number + 1}

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        """The username, which is what people sign in with, and which does not change with their address."""
        return user.get_username()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": "imagelib"}


def _keys() -> MultiFernet:
    return MultiFernet([_key(text) for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret_key: str) -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(b"imagelib two-step sign-in:" + secret_key.encode()).digest()))
