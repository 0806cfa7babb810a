"""Password pages: change, set and reset, with a limit on mails."""

from __future__ import annotations

from math import ceil
from typing import Any

from allauth.account import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import PasswordChangeDoneView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, re_path
from django.utils.http import int_to_base36, urlsafe_base64_decode
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from analysis.web.attempt_limits import Attempts
from imagelib.accounts import email_addresses, mail, sessions
from imagelib.accounts.password_forms import NewPasswordForm, ResetForm
from imagelib.accounts.sign_in_limits import ThrottledView, with_wait

MAILS = 3
"""Mails an hour to one email address by requests from one network.

Counted even if no account has the address, so that nobody learns which addresses have one.
"""
TOTAL = 10
"""Mails an hour to one address for requests from everywhere, and requests an hour from one network."""


class _EndsOtherSessions:
    """Mixin for views that set a password: ends other sessions, which may be stolen."""

    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        sessions.sign_out_everywhere(form.user, except_key=self.request.session.session_key)
        return response


class PasswordChange(ThrottledView, _EndsOtherSessions, views.PasswordChangeView):
    pass


class PasswordSet(_EndsOtherSessions, views.PasswordSetView):
    pass


class Reauthenticate(ThrottledView, views.ReauthenticateView):
    """Ask for the password again, before a change of sign-in settings."""


class PasswordReset(views.PasswordResetView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return dict(super().get_context_data(**kwargs)) | {"can_send": mail.can_send()}

    def form_valid(self, form: ResetForm) -> HttpResponse:
        attempts = Attempts(
            "password reset",
            self.request,
            account=form.cleaned_data["email"],
            maximum=MAILS,
            total=TOTAL,
            seconds=3_600,
        )
        if wait := attempts.seconds_to_wait():
            form.add_error(None, _too_many_mails(wait))
            return with_wait(self.form_invalid(form), wait)
        attempts.count()
        response: HttpResponse = super().form_valid(form)
        return response


class PasswordResetFromKey(_EndsOtherSessions, views.PasswordResetFromKeyView):
    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        email_addresses.mark_verified(form.user)  # the link was mailed to this address
        return super().form_valid(form)


@login_not_required
@require_safe
def earlier_reset_link(_request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    """Redirect links in mails from before the change to allauth to the present URL."""
    try:
        user_id = int(urlsafe_base64_decode(uidb64))
    except ValueError:
        user_id = 0
    return redirect("account_reset_password_from_key", int_to_base36(max(user_id, 0)), token)


def _too_many_mails(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    return ngettext(
        "Too many password resets were requested. Try again in %(minutes)s minute.",
        "Too many password resets were requested. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}


# Two names for one URL: Django's, which our pages use, and the one that allauth looks for.
urlpatterns = [
    path("accounts/password_change/", PasswordChange.as_view(), name="password_change"),
    path("accounts/password_change/", PasswordChange.as_view(), name="account_change_password"),
    path("accounts/password_set/", PasswordSet.as_view(), name="account_set_password"),
    path(
        "accounts/password_change/done/",
        PasswordChangeDoneView.as_view(template_name="account/password_change_done.html"),
        name="password_change_done",
    ),
    path("accounts/password_reset/", PasswordReset.as_view(), name="password_reset"),
    path("accounts/password_reset/", PasswordReset.as_view(), name="account_reset_password"),
    path(
        "accounts/password_reset/done/",
        views.PasswordResetDoneView.as_view(),
        name="account_reset_password_done",
    ),
    path(
        "accounts/reset/done/",
        views.PasswordResetFromKeyDoneView.as_view(),
        name="account_reset_password_from_key_done",
    ),
    path("accounts/reset/<uidb64>/<token>/", earlier_reset_link, name="password_reset_confirm"),
    re_path(
        r"^accounts/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        PasswordResetFromKey.as_view(),
        name="account_reset_password_from_key",
    ),
]
