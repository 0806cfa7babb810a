"""Mail to people: the link of an invitation."""

from __future__ import annotations

from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from analysis import formatting
from imagelib.accounts.models import Invitation


class MailFailed(Exception):
    """The mail server did not take the message; the text is its own."""


def can_send() -> bool:
    """False without EMAIL_HOST, when mail is only written to the log."""
    return bool(settings.EMAIL_HOST)


def send_invitation(invitation: Invitation, *, link: str) -> None:
    """Raises MailFailed."""
    sender = invitation.invited_by
    context = {
        "invitation": invitation,
        "link": link,
        "sender": sender.get_full_name() or sender.get_username(),
        "expires": formatting.day(invitation.expires_at),
    }
    subject = render_to_string("account/invitation_subject.txt", context).strip()
    body = render_to_string("account/invitation_email.txt", context)
    try:
        send_mail(subject, body, None, [invitation.email])
    except (SMTPException, OSError) as error:
        raise MailFailed(str(error)) from error
