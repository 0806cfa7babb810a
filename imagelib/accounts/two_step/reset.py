"""Turns off two-step sign-in for users who can't complete the second step."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext as _

from analysis import audit_log
from analysis.models import AuditEntry
from imagelib.accounts import mail, sessions
from imagelib.accounts.adapter import TWO_STEP
from imagelib.accounts.models import User


def is_on(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user).exists())


def reset(user: User, *, by_id: int | None) -> int:
    """Delete codes and passkeys, sign the user out everywhere, and notify them.

    Returns the number of deleted methods. `by_id` is None for the command.
    """
    with transaction.atomic():
        number: int = Authenticator.objects.filter(user=user).delete()[0]
        if number:
            audit_log.record(AuditEntry.Action.CHANGE, user, by_id=by_id, details={"fields": [TWO_STEP]})
            sessions.sign_out_everywhere(user)
    if number:
        mail.send_security_notice(user, event=_("Two-step sign-in turned off by an administrator"))
    return number
