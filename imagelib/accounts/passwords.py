"""Addresses for changing and resetting passwords: Django's views, our templates."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import views
from django.urls import path


def _can_send() -> bool:
    """False without EMAIL_HOST, when mail is only written to the log."""
    return bool(settings.EMAIL_HOST)


urlpatterns = [
    path(
        "accounts/password_change/",
        views.PasswordChangeView.as_view(template_name="account/password_change.html"),
        name="password_change",
    ),
    path(
        "accounts/password_change/done/",
        views.PasswordChangeDoneView.as_view(template_name="account/password_change_done.html"),
        name="password_change_done",
    ),
    path(
        "accounts/password_reset/",
        views.PasswordResetView.as_view(
            template_name="account/password_reset.html",
            email_template_name="account/password_reset_email.txt",
            subject_template_name="account/password_reset_subject.txt",
            extra_context={"can_send": _can_send},
        ),
        name="password_reset",
    ),
    path(
        "accounts/password_reset/done/",
        views.PasswordResetDoneView.as_view(template_name="account/password_reset_done.html"),
        name="password_reset_done",
    ),
    path(
        "accounts/reset/<uidb64>/<token>/",
        views.PasswordResetConfirmView.as_view(template_name="account/password_reset_confirm.html"),
        name="password_reset_confirm",
    ),
    path(
        "accounts/reset/done/",
        views.PasswordResetCompleteView.as_view(template_name="account/password_reset_complete.html"),
        name="password_reset_complete",
    ),
]
