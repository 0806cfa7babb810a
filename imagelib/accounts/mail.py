"""Mail: invitations, security notices, and the last failure, for staff."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException

from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.timezone import now

from analysis import formatting
from imagelib.accounts.models import Invitation, User

FAILURE_KEY = "mail-failure"
FAILURE_SECONDS = 7 * 24 * 3600
MAX_ERROR = 300

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    at: datetime
    error: str


class MailFailed(Exception):
    """The mail server refused the message; the text is the server's."""


def can_send() -> bool:
    """False without EMAIL_HOST, when mail is only written to the log."""
    return bool(settings.EMAIL_HOST)


def send_invitation(invitation: Invitation, *, link: str) -> None:
    """Mail an invitation with its link. Raises MailFailed."""
    sender = invitation.invited_by
    context = {
        "invitation": invitation,
        "link": link,
        "sender": sender.get_full_name() or sender.get_username(),
        "expires": formatting.day(invitation.expires_at),
    }
    subject = render_to_string("account/invitation_subject.txt", context).strip()
    body = render_to_string("account/invitation_email.txt", context)
    _send(subject, body, invitation.email)


def send_security_notice(user: User, *, event: str) -> None:
    """Notify a user of changed sign-in settings; a failure is only logged."""
    if not (user.email and can_send()):
        return
    context = {"username": user.get_username(), "event": event}
    try:
        _send(
            render_to_string("account/security_subject.txt", context).strip(),
            render_to_string("account/security_email.txt", context),
            user.email,
        )
    except MailFailed:
        return  # already noted; the change itself stays


def note_failure(error: Exception) -> None:
    """Log a failure, and keep it for staff until mail is sent again, at most a week."""
    text = (str(error) or type(error).__name__)[:MAX_ERROR]
    logger.error("Mail was not sent: %s", text)
    cache.set(FAILURE_KEY, (now().isoformat(), text), FAILURE_SECONDS)


def note_success() -> None:
    cache.delete(FAILURE_KEY)


def last_failure() -> Failure | None:
    """The last failure; None if mail has been sent since, or the cache is down."""
    failure = cache.get(FAILURE_KEY)
    return Failure(datetime.fromisoformat(failure[0]), failure[1]) if failure else None


def _send(subject: str, body: str, recipient: str) -> None:
    try:
        # OSError: the name of the server is not found, or it does not answer.
        send_mail(subject, body, None, [recipient])
    except (SMTPException, OSError) as error:
        note_failure(error)
        raise MailFailed(str(error)) from error
    note_success()
