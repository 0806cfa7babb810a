"""Rows of the account page: sign-in methods, sessions and API tokens."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis.formatting import plural
from imagelib.accounts import api_tokens, sessions
from imagelib.accounts.models import User
from imagelib.accounts.oidc.provider import PROVIDER_ID


@dataclass(frozen=True)
class SignInMethod:
    url: str
    icon: str
    title: str
    state: str
    shortcut: str = ""


def rows(user: User, *, session_key: str | None) -> list[SignInMethod]:
    number = len(sessions.sessions_of(user, current_key=session_key))
    signed_in = plural(ngettext("%(number)s session", "%(number)s sessions", number), number)
    tokens = api_tokens.tokens_of(user).count()
    return [
        _password(user),
        *_second_steps(user),
        SignInMethod(reverse("sessions"), "globe", _("Where you're signed in"), signed_in),
        *_connected(user),
        SignInMethod(reverse("api-tokens"), "keyboard", _("API tokens"), str(tokens)),
    ]


def _password(user: User) -> SignInMethod:
    if user.has_usable_password():
        return SignInMethod(reverse("password_change"), "lock", _("Password"), _("Change"), "p")
    return SignInMethod(reverse("account_set_password"), "lock", _("Password"), _("Not set"), "p")


def _second_steps(user: User) -> list[SignInMethod]:
    types = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    passkeys = types.count(Authenticator.Type.WEBAUTHN)
    state = _("On") if Authenticator.Type.TOTP in types or passkeys else _("Off")
    return [
        SignInMethod(reverse("mfa_index"), "shield", _("Two-step sign-in"), state),
        SignInMethod(reverse("mfa_list_webauthn"), "key", _("Passkeys"), str(passkeys)),
    ]


def _connected(user: User) -> list[SignInMethod]:
    if not settings.OIDC_CLIENT_ID:
        return []
    is_connected = SocialAccount.objects.filter(user=user, provider=PROVIDER_ID).exists()
    state = _("Connected") if is_connected else _("Not connected")
    return [SignInMethod(reverse("socialaccount_connections"), "link", settings.OIDC_NAME, state)]
