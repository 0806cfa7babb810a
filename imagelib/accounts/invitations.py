"""Invitations: creation, secret link, acceptance, revocation."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from analysis import audit_log, permissions
from analysis.models import AuditEntry
from analysis.permissions import accounts as rights
from imagelib.accounts import email_addresses, user_management
from imagelib.accounts.models import Invitation, User
from imagelib.accounts.roles import Role

VALID = timedelta(days=7)


class State(StrEnum):
    """State of an invitation; `CLOSED` if its sender may no longer assign the role."""

    OPEN = "open"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    CLOSED = "closed"


class InvitationUnusable(Exception):
    """The invitation was accepted, revoked or expired since its page was opened."""


def create(*, name: str, email: str, role: Role, by: User) -> tuple[Invitation, str]:
    """Create an invitation; returns it and its link's secret, which is not stored.

    Raises IntegrityError if an open invitation has this address.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            name=name, email=email, role=role, invited_by=by, digest=_digest(token), expires_at=timezone.now() + VALID
        )
        audit_log.record(AuditEntry.Action.ADD, invitation, by_id=by.pk, details={"values": {"role": ["", role.value]}})
    return invitation, token


def renew(invitation: Invitation, *, by: User) -> str | None:
    """Replace the secret and return the new one; None if no longer open."""
    token = secrets.token_urlsafe(32)
    values = {"digest": _digest(token), "expires_at": timezone.now() + VALID, "invited_by": by}
    return token if open_invitations().filter(pk=invitation.pk).update(**values) else None


@transaction.atomic
def revoke(invitation: Invitation, *, by: User) -> bool:
    """Revoke the invitation; False if it is no longer open."""
    is_revoked = bool(open_invitations().filter(pk=invitation.pk).update(revoked_at=timezone.now()))
    if is_revoked:
        audit_log.record(AuditEntry.Action.REVOKE, invitation, by_id=by.pk)
    return is_revoked


def open_invitations() -> QuerySet[Invitation]:
    """Invitations neither accepted nor revoked; expired ones can be sent again."""
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def find(token: str) -> Invitation | None:
    """The invitation with this link's token, in any state."""
    # A plain digest is enough: the token has 256 random bits, so it can't be guessed, and a slow hash adds nothing.
    return Invitation.objects.select_related("invited_by").filter(digest=_digest(token)).first()


def state_of(invitation: Invitation) -> State:
    if invitation.accepted_at:
        return State.ACCEPTED
    if invitation.revoked_at:
        return State.REVOKED
    if invitation.expires_at <= timezone.now():
        return State.EXPIRED
    return State.OPEN if _is_permitted(invitation) else State.CLOSED


@transaction.atomic
def accept(invitation: Invitation, user: User) -> None:
    """Save the new account with the invitation's role; works once.

    Raises InvitationUnusable, and IntegrityError if the username or address was taken a moment ago.
    """
    # By the digest, too: a link that was replaced while its page was open must not work.
    locked = Invitation.objects.select_for_update().filter(pk=invitation.pk, digest=invitation.digest).first()
    if locked is None or state_of(locked) is not State.OPEN:
        raise InvitationUnusable
    user.save()
    user_management.set_role(user, Role(locked.role))
    locked.accepted_at, locked.account = timezone.now(), user
    locked.save(update_fields=["accepted_at", "account"])
    email_addresses.mark_verified(user)  # the inviter entered it, not the user


def open_invitation_of(email: str) -> Invitation | None:
    """The invitation that was sent to this address and can be accepted."""
    sent = open_invitations().filter(email__iexact=email).select_related("invited_by").first() if email else None
    return sent if sent is not None and state_of(sent) is State.OPEN else None


def suggested_username(invitation: Invitation) -> str:
    """A free username derived from the address or the name; empty if there is none."""
    return free_username(invitation.email or invitation.name)


def free_username(*texts: str) -> str:
    """A free username derived from a text; from an address, its local part."""
    return next(filter(None, map(_free_username, texts)), "")


def _free_username(text: str) -> str:
    source = text.partition("@")[0]
    letters = (letter for letter in unicodedata.normalize("NFKD", source) if not unicodedata.combining(letter))
    # 140 of a username's 150 characters, which leaves room for a number.
    base = re.sub(r"[^\w.+-]+", ".", "".join(letters).casefold()).strip(".")[:140]
    names = [base, *(f"{base}{number}" for number in range(2, 20))] if base else []
    accounts = User.objects.annotate(lower=Lower("username")).filter(lower__in=names)
    taken = set(accounts.values_list("lower", flat=True))
    return next((name for name in names if name not in taken), "")


def _is_permitted(invitation: Invitation) -> bool:
    """True if the sender still has the right to assign the role."""
    sender = permissions.reload_user(invitation.invited_by_id)
    return (
        sender is not None
        and rights.can_invite_people(sender)
        and rights.can_assign_role(sender, Role(invitation.role))
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
