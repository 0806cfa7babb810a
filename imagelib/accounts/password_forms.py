"""Password forms: reset by mail, new password, and confirmation of the password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account import forms as allauth_forms
from allauth.core import context
from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from imagelib.accounts.sign_in_limits import SignInAttempts, ThrottledForm


class ResetForm(allauth_forms.ResetPasswordForm):
    email = forms.EmailField(
        label=_("Email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email", "dir": "ltr"})
    )
    wait = 0


class NewPasswordForm(SetPasswordForm):
    """Form behind a reset link; `temp_key` is its secret, which the view has checked."""

    def __init__(self, *args: Any, temp_key: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.temp_key = temp_key


class ReauthenticateForm(ThrottledForm, allauth_forms.ReauthenticateForm):
    """Password confirmation, limited like sign-in: a stolen session must not guess."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def clean_password(self) -> str:
        return _counted(self, super().clean_password)


class ChangeForm(ThrottledForm, PasswordChangeForm):
    def clean_old_password(self) -> str:
        return _counted(self, super().clean_old_password)


def _counted(form: ReauthenticateForm | ChangeForm, check: Callable[[], str]) -> str:
    """Check the signed-in user's password; wrong ones count as failed sign-ins."""
    attempts = SignInAttempts("sign-in", context.request, form.user.get_username())
    attempts.refuse(form)
    try:
        password = check()
    except ValidationError:
        attempts.count()
        raise
    attempts.reset()
    return password
