"""Checks of sign-in: the mail server for resets, and readable app codes."""

from __future__ import annotations

from smtplib import SMTPException

from django.core.mail import get_connection
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis.findings import Finding, failed, first_line, ok, warning
from analysis.formatting import ago, plural
from imagelib.accounts import mail
from imagelib.accounts.two_step import encryption

TIMEOUT = 5  # seconds
MAX_NAMES = 5


def check_mail() -> Finding:
    """Sign in to the mail server, without sending anything."""
    subject = "mail"
    next_step = _("Check EMAIL_HOST, EMAIL_PORT, EMAIL_USE_TLS, EMAIL_HOST_USER and EMAIL_HOST_PASSWORD.")
    try:
        connection = get_connection(timeout=TIMEOUT)
        connection.open()
        connection.close()
    except (SMTPException, OSError) as error:
        message = _("The mail server doesn't work: %(error)s. Password resets and invitations are not delivered.")
        return failed(subject, message % {"error": first_line(error)}, next_step)
    if failure := mail.last_failure():
        message = _("The last message was not sent (%(ago)s): %(error)s.")
        values = {"ago": ago(failure.at, now=now()), "error": failure.error.rstrip(".")}
        return warning(subject, message % values, next_step)
    return ok(subject, _("The mail server works."))


def check_two_step() -> Finding:
    """App codes, which cannot be read after a change of SECRET_KEY."""
    subject = "two-step sign-in"
    names = encryption.unreadable_usernames()
    if not names:
        return ok(subject, _("App codes can be read."))
    text = ngettext(
        "SECRET_KEY was changed, so the app codes of %(number)s account can't be checked:",
        "SECRET_KEY was changed, so the app codes of %(number)s accounts can't be checked:",
        len(names),
    )
    first_names = ", ".join(names[:MAX_NAMES]) + (" …" if names[MAX_NAMES:] else "")
    next_step = _("Add the previous key to SECRET_KEY_FALLBACKS, or run `manage.py reset_two_step NAME` for each.")
    return warning(subject, f"{plural(text, len(names))} {first_names}.", next_step)
