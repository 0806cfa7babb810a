"""Two-step sign-in pages: allauth's views with our own limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.base import views as base_views
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn import views as passkey_views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from imagelib.accounts.sign_in_limits import ThrottledView
from imagelib.accounts.two_step.encryption import SecretUnreadable

View = Callable[..., HttpResponse]


class SecondStep(ThrottledView, base_views.AuthenticateView):
    """Second step of sign-in: a form for a code, and one for a passkey if any."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"has_passkey": is_mfa_enabled(self.stage.login.user, [Authenticator.Type.WEBAUTHN])}


class Reauthenticate(ThrottledView, base_views.ReauthenticateView):
    pass


class Activate(ThrottledView, totp_views.ActivateTOTPView):
    pass


def with_unreadable_page(view: View) -> View:
    """Decorate a view to show a page with the reason if codes can't be decrypted."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
            if hasattr(response, "render"):
                response.render()  # now, since rendering decrypts the codes
        except SecretUnreadable:
            return render(request, "mfa/recovery_codes/unreadable.html", status=409)
        return response

    return wrapper


urlpatterns = [
    path("account/two-step/", base_views.index, name="mfa_index"),
    path("accounts/login/code/", SecondStep.as_view(), name="mfa_authenticate"),
    path("account/confirm/code/", Reauthenticate.as_view(), name="mfa_reauthenticate"),
    path("account/two-step/app/", Activate.as_view(), name="mfa_activate_totp"),
    path("account/two-step/app/off/", totp_views.deactivate_totp, name="mfa_deactivate_totp"),
    path(
        "account/two-step/codes/",
        with_unreadable_page(recovery_views.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/two-step/codes/new/",
        with_unreadable_page(recovery_views.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "account/two-step/codes/file/",
        with_unreadable_page(recovery_views.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("account/passkeys/", passkey_views.list_webauthn, name="mfa_list_webauthn"),
    path("account/passkeys/add/", passkey_views.add_webauthn, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", passkey_views.remove_webauthn, name="mfa_remove_webauthn"),
    path("account/passkeys/<int:pk>/name/", passkey_views.edit_webauthn, name="mfa_edit_webauthn"),
    path("account/confirm/passkey/", passkey_views.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("accounts/login/passkey/", passkey_views.login_webauthn, name="mfa_login_webauthn"),
]
