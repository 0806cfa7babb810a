"""Verified email addresses: their owners have proven to read the mail.

Single sign-on finds accounts by verified addresses only.

Users type their address on the account page, so the address of an account proves nothing: someone could enter a
colleague's, and then share the account with the colleague who signs in with it.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db.models import F, Q
from django.db.models.functions import Lower

from imagelib.accounts.models import User


def mark_verified(user: User) -> None:
    """Mark the user's present address as verified."""
    if user.email:
        # Also deletes rows of an earlier owner of this address.
        EmailAddress.objects.filter(Q(user=user) | Q(email=user.email.lower())).delete()
        EmailAddress.objects.create(user=user, email=user.email.lower(), verified=True, primary=True)


def is_verified(user: User) -> bool:
    return bool(user.email) and EmailAddress.objects.filter(user=user, email=user.email.lower(), verified=True).exists()


def account_of(email: str) -> User | None:
    """The account with this present address, if that is verified."""
    present = User.objects.annotate(lower=Lower("email"))
    # Only a proof of the present address counts, since users can enter another one on their account page.
    verified = {"emailaddress__verified": True, "emailaddress__email": F("lower")}
    return present.filter(lower=email.lower(), **verified).first()
