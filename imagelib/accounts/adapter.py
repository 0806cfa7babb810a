"""django-allauth's account adapter: mail, messages, security events."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from analysis import audit_log
from analysis.models import AuditEntry
from analysis.web.http import client_address
from imagelib.accounts import mail

MESSAGES = {
    "mfa/messages/totp_activated.txt": _("App codes are on."),
    "mfa/messages/totp_deactivated.txt": _("App codes are off."),
    "mfa/messages/recovery_codes_generated.txt": _("Your recovery codes are ready."),
    "mfa/messages/webauthn_added.txt": _("The passkey was added."),
    "mfa/messages/webauthn_removed.txt": _("The passkey was removed."),
    "socialaccount/messages/account_connected.txt": _("Connected."),
    "socialaccount/messages/account_connected_updated.txt": _("Already connected."),
    "socialaccount/messages/account_connected_other.txt": _(
        "Not connected: it is already connected to another account here."
    ),
    "socialaccount/messages/account_disconnected.txt": _("Disconnected."),
}
"""Toasts by allauth's template; others are dropped, as the next page shows the result anyway."""
EVENTS = {
    "account/email/password_changed": _("Password changed"),
    "account/email/password_set": _("Password set"),
    "account/email/password_reset": _("Password reset by email"),
    "mfa/email/totp_activated": _("App codes turned on"),
    "mfa/email/totp_deactivated": _("App codes turned off"),
    "mfa/email/recovery_codes_generated": _("New recovery codes created"),
    "mfa/email/webauthn_added": _("Passkey added"),
    "mfa/email/webauthn_removed": _("Passkey removed"),
    "socialaccount/email/account_connected": _("Single sign-on connected"),
    "socialaccount/email/account_disconnected": _("Single sign-on disconnected"),
}
FIELDS = {
    "account/email/password_changed": "Password",
    "account/email/password_set": "Password",
    "account/email/password_reset": "Password",
}
TWO_STEP = "Two-step sign-in"


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_password": _("Incorrect password. Passwords are case-sensitive."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """False: accounts are created by invitation only."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Disable allauth's rate limit; the forms have `imagelib.accounts.sign_in_limits`."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or "127.0.0.1"  # empty for a Unix socket

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("password_change_done")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """False for users without a password, who sign in with a provider or a proxy."""
        return bool(self.get_reauthentication_methods(self.request.user)) and bool(
            super().is_reauthentication_required(app=app, **kwargs)
        )

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        labels = {
            "reauthenticate": _("Use your password"),
            "mfa_reauthenticate": _("Use an app code or a recovery code"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
        }
        methods = super().get_reauthentication_methods(user)
        return [method | {"description": labels[method["id"]]} for method in methods]

    def add_message(  # noqa: PLR0917 - allauth's signature
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        text = message or MESSAGES.get(message_template or "")
        if text:
            messages.add_message(request, level, text, extra_tags=extra_tags)

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """Send a reset link, but only to users with a password.

        It goes to the stored address, not the typed one: letters that compare as equal may belong to another mailbox.
        """
        if user.has_usable_password():
            super().send_password_reset_mail(user, user.email, context)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send mail without ever failing: the page must be the same for every address.

        Staff see the failure on the system page.
        """
        message: EmailMessage = self.render_mail(template_prefix, email, {"request": self.request, **context})
        try:
            message.send()
        except (SMTPException, OSError) as error:
            mail.note_failure(error)
        else:
            mail.note_success()

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Record a change of a user's sign-in settings, and notify the user."""
        details = {"fields": [FIELDS.get(template_prefix, TWO_STEP)]}
        audit_log.record(AuditEntry.Action.CHANGE, user, by_id=user.pk, details=details)
        mail.send_security_notice(user, event=str(EVENTS.get(template_prefix, TWO_STEP)))
