"""Sessions of a user: list them, sign out of them, record their use."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from analysis.web.http import client_address
from imagelib.accounts.models import Session, User
from imagelib.accounts.session_store import SessionStore

MAX_SESSIONS = 100
"""Maximum number listed; a user with more has a program that signs in repeatedly."""


@dataclass(frozen=True)
class SignedIn:
    """A signed-in session of a user; `id` reveals nothing about the session key."""

    id: str
    row: Session
    is_current: bool


def sessions_of(user: User, *, current_key: str | None) -> list[SignedIn]:
    """The user's sessions: the current one first, then the most recently used."""
    rows = Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-last_used_at")[:MAX_SESSIONS]
    sessions = [SignedIn(_id(row), row, row.pk == current_key) for row in rows if _is_valid(row, user)]
    return sorted(sessions, key=lambda session: not session.is_current)


def sign_out(user: User, session_id: str) -> bool:
    """End one of the user's sessions; False if none has this id."""
    # Pages know a digest only, since the key itself signs in. A user has few sessions, so each is digested to compare.
    keys = [key for key in Session.objects.filter(user=user).values_list("pk", flat=True) if _digest(key) == session_id]
    return bool(Session.objects.filter(pk__in=keys).delete()[0])


def sign_out_everywhere(user: User, *, except_key: str | None = None) -> int:
    """End the user's sessions; returns how many there were."""
    return Session.objects.filter(user=user).exclude(pk=except_key or "").delete()[0]


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that records a session's device and use; after SessionMiddleware."""

    def with_device(request: HttpRequest) -> HttpResponseBase:
        session: SessionBase = request.session
        if isinstance(session, SessionStore):
            network = coarse_network(client_address(request))
            session.describe(user_agent=request.headers.get("User-Agent", ""), network=network)
            if SESSION_KEY in session:
                session.touch()
        return get_response(request)

    return with_device


def coarse_network(address: str) -> str:
    """The network, 203.0.113.0/24 or 2001:db8:1::/48: shows a place, not a person."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    # A socket that accepts IPv6, too, sees an IPv4 client as ::ffff:203.0.113.9.
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def _is_valid(row: Session, user: User) -> bool:
    """False after the password has changed; the row stays until it is used."""
    signed_hash = row.get_decoded().get(HASH_SESSION_KEY, "")
    return bool(signed_hash == user.get_session_auth_hash())


def _id(row: Session) -> str:
    return _digest(row.pk)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
