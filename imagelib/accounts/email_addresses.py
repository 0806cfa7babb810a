"""Email addresses that their owner is known to read.

Single sign-on finds accounts by these alone.

People type their address on the account page, so an account's address alone proves nothing: someone could enter a
colleague's, and would share an account with the person who signs in with it.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db.models import F, Q
from django.db.models.functions import Lower

from imagelib.accounts.models import User


def mark_verified(user: User) -> None:
    """Note that the person reads mail to their present address."""
    if user.email:
        # Also remaining rows of someone who had this address before.
        EmailAddress.objects.filter(Q(user=user) | Q(email=user.email.lower())).delete()
        EmailAddress.objects.create(user=user, email=user.email.lower(), verified=True, primary=True)


def is_verified(user: User) -> bool:
    return bool(user.email) and EmailAddress.objects.filter(user=user, email=user.email.lower(), verified=True).exists()


def account_of(email: str) -> User | None:
    """The account whose present address this is, if it was verified."""
    present = User.objects.annotate(lower=Lower("email"))
    verified = {"emailaddress__verified": True, "emailaddress__email": F("lower")}
    return present.filter(lower=email.lower(), **verified).first()
