"""Forms for app codes, recovery codes and passkeys, with limited attempts."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.web.http import client_address
from imagelib.accounts.models import User
from imagelib.accounts.sign_in_limits import SignInAttempts, ThrottledForm
from imagelib.accounts.two_step import clock
from imagelib.accounts.two_step.encryption import SecretUnreadable

MAX_CODE = 20
_REFUSED_PASSKEY = gettext_lazy("This passkey was not accepted. Try again, or sign in with your password.")
_CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}


class _Code(ThrottledForm):
    """Mixin for a six-digit code from an app, or an eight-digit recovery code."""

    user: User

    code = forms.CharField(
        label=gettext_lazy("Code"), max_length=MAX_CODE, widget=forms.TextInput(attrs={**_CODE, "inputmode": "numeric"})
    )

    def clean_code(self) -> str:
        attempts = SignInAttempts("code", context.request, str(self.user.pk))
        # Before the code is checked: after too many failures, the response must not tell a right code from a wrong one.
        attempts.refuse(self)
        try:
            code: str = super().clean_code()  # type: ignore[misc] # defined by the form with this mixin
        except SecretUnreadable as error:
            # Not counted, since no code can be right after a change of SECRET_KEY.
            raise ValidationError(unreadable_text(self.user)) from error
        except ValidationError as error:
            attempts.count()
            raise self._explained(error) from error
        attempts.reset()
        return code

    def _explained(self, error: ValidationError) -> ValidationError:
        secret = self.app_secret()
        return ValidationError(clock.explain(secret, self.cleaned_data["code"], now=now())) if secret else error

    def app_secret(self) -> str:
        """The secret of the user's app; empty without one."""
        row = Authenticator.objects.filter(user_id=self.user.pk, type=Authenticator.Type.TOTP).first()
        return decrypt(row.data["secret"]) if row else ""


class CodeForm(_Code, base_forms.AuthenticateForm):
    pass


class ReauthenticateForm(_Code, base_forms.ReauthenticateForm):
    pass


class ActivateForm(_Code, totp_forms.ActivateTOTPForm):
    def app_secret(self) -> str:
        """The secret that the page shows, and that is not stored yet."""
        return str(self.secret)


class _Passkey(ThrottledForm):
    """Mixin for the response of a passkey; attempts are counted by network.

    Not by account, since the account that a response names can't be trusted.
    """

    credential = forms.JSONField(
        widget=forms.HiddenInput, error_messages={"required": _REFUSED_PASSKEY, "invalid": _REFUSED_PASSKEY}
    )

    def clean_credential(self) -> Authenticator:
        attempts = SignInAttempts("passkey", context.request, client_address(context.request))
        attempts.refuse(self)
        try:
            authenticator: Authenticator = super().clean_credential()  # type: ignore[misc]
        except (ValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
            # allauth and fido2 raise these for responses that no browser would send.
            attempts.count()
            raise ValidationError(_REFUSED_PASSKEY) from error
        attempts.reset()
        return authenticator


class PasskeyForm(_Passkey, passkey_forms.AuthenticateWebAuthnForm):
    pass


class PasskeySignInForm(_Passkey, passkey_forms.LoginWebAuthnForm):
    pass


class ReauthenticatePasskeyForm(_Passkey, passkey_forms.ReauthenticateWebAuthnForm):
    pass


class AddPasskeyForm(passkey_forms.AddWebAuthnForm):
    name = forms.CharField(
        required=False,
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Where the passkey is stored, for example “Phone”."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )

    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean())
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValidationError(_("This passkey was not accepted. Try again.")) from error


def unreadable_text(user: User) -> str:
    return _(
        "Codes can't be checked, because this server's SECRET_KEY was changed. Ask an administrator to turn off your"
        " two-step sign-in: manage.py reset_two_step %(username)s"
    ) % {"username": user.get_username()}
