"""django-allauth's adapter for two-step sign-in: encryption and names."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagelib.accounts.two_step import encryption


class TwoStepAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("Incorrect code."),
        "cannot_generate_recovery_codes": gettext_lazy("Turn on app codes or add a passkey first."),
    }

    def encrypt(self, text: str) -> str:
        """Encrypt a secret, so that a copy of the database is not enough to make codes."""
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt a secret. Raises SecretUnreadable."""
        return encryption.decrypt(encrypted_text)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return _("Passkey %(number)s") % {"number": number + 1}

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        """The account name in the app: the username, which does not change."""
        return user.get_username()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": "imagelib"}
