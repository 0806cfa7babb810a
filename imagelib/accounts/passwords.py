"""Addresses for changing and resetting passwords, and a limit on mails."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from django.contrib.auth import views
from django.contrib.auth.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm
from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from django.utils.translation import ngettext

from analysis import audit_log
from analysis.models import AuditEntry
from analysis.web.attempts import Attempts
from imagelib.accounts import mail, sessions

MAILS = 3
"""Mails an hour to one email address by requests from one network.

Counted whether an account has the address or not, so that nobody learns which do.
"""
TOTAL = 10
"""Mails an hour to one address by requests from everywhere, and requests an hour from one network."""


class PasswordChange(views.PasswordChangeView):
    """Also ends the other sessions, one of which may be a stranger's."""

    template_name = "account/password_change.html"

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        response = _saved(super().form_valid, form)
        sessions.sign_out_everywhere(form.user, except_key=self.request.session.session_key)
        return response


class PasswordReset(views.PasswordResetView):
    template_name = "account/password_reset.html"
    email_template_name = "account/password_reset_email.txt"
    subject_template_name = "account/password_reset_subject.txt"

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
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
            response = self.form_invalid(form)
            response.status_code = 429
            response["Retry-After"] = str(wait)
            return response
        attempts.count()
        return super().form_valid(form)


class PasswordResetConfirm(views.PasswordResetConfirmView):
    template_name = "account/password_reset_confirm.html"

    def form_valid(self, form: SetPasswordForm[Any]) -> HttpResponse:
        return _saved(super().form_valid, form)


def _saved(save: Callable[[Any], HttpResponse], form: SetPasswordForm[Any]) -> HttpResponse:
    """Save the new password and the fact in the audit log."""
    with transaction.atomic():
        response = save(form)
        audit_log.record(AuditEntry.Action.CHANGE, form.user, by_id=form.user.pk, details={"fields": ["Password"]})
    return response


def _too_many_mails(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    return ngettext(
        "Too many password resets were requested. Try again in %(minutes)s minute.",
        "Too many password resets were requested. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}


urlpatterns = [
    path(
        "accounts/password_change/",
        PasswordChange.as_view(),
        name="password_change",
    ),
    path(
        "accounts/password_change/done/",
        views.PasswordChangeDoneView.as_view(template_name="account/password_change_done.html"),
        name="password_change_done",
    ),
    path(
        "accounts/password_reset/",
        PasswordReset.as_view(extra_context={"can_send": mail.can_send}),
        name="password_reset",
    ),
    path(
        "accounts/password_reset/done/",
        views.PasswordResetDoneView.as_view(template_name="account/password_reset_done.html"),
        name="password_reset_done",
    ),
    path(
        "accounts/reset/<uidb64>/<token>/",
        PasswordResetConfirm.as_view(),
        name="password_reset_confirm",
    ),
    path(
        "accounts/reset/done/",
        views.PasswordResetCompleteView.as_view(template_name="account/password_reset_complete.html"),
        name="password_reset_complete",
    ),
]
