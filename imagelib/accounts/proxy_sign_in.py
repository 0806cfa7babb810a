"""Sign-in by a reverse proxy, which names the user in a header.

Anyone who can send that header can be any user. So it is accepted only from the addresses in TRUSTED_PROXIES, and never
below /api/, which accepts tokens only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import login, logout
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from analysis import audit_log
from analysis.models import AuditEntry
from analysis.web.http import is_trusted_proxy
from imagelib.accounts import user_management
from imagelib.accounts.api_tokens import API_PATH
from imagelib.accounts.models import User
from imagelib.accounts.roles import Role

SESSION_KEY = "signed_in_by_proxy"
BACKEND = "django.contrib.auth.backends.ModelBackend"
FORBIDDEN = frozenset(",;\x00\r\n")
"""A comma means that the proxy appended to a header sent by the browser, so neither part can be trusted."""

MAX_LENGTH = 150

logger = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponseBase]


def middleware(get_response: Handler) -> Handler:
    """Middleware that signs in the named user; goes after AuthenticationMiddleware."""

    def with_proxy_user(request: HttpRequest) -> HttpResponseBase:
        # A session that a header opened ends when the setting is removed, too.
        is_used = bool(settings.PROXY_USER_HEADER) or SESSION_KEY in request.session
        # Below /api/ only tokens count.
        if is_used and not request.path_info.startswith(API_PATH):
            _apply(request)
        return get_response(request)

    return with_proxy_user


def _apply(request: HttpRequest) -> None:
    username = _named_user(request)
    if not username:
        if SESSION_KEY in request.session:  # they signed out at the proxy
            logout(request)
        return
    if request.user.is_authenticated and request.user.get_username() == username:
        return
    account = _account(username)
    if request.user.is_authenticated:
        logout(request)  # another user uses this browser now
    if account is None:
        request.refused_proxy_user = username  # type: ignore[attr-defined] # shown on the sign-in page
        logger.warning("The proxy sent the username %r, which has no active account here.", username)
        return
    login(request, account, backend=BACKEND)
    request.session[SESSION_KEY] = True


def _named_user(request: HttpRequest) -> str:
    """The username in the header; empty without one, or if it must not be trusted."""
    if not settings.PROXY_USER_HEADER:
        return ""
    key = "HTTP_" + settings.PROXY_USER_HEADER.upper().replace("-", "_")
    username = str(request.META.get(key, "")).strip()
    if not username:
        return ""
    address = str(request.META.get("REMOTE_ADDR", ""))
    if not is_trusted_proxy(address):
        logger.warning(
            "Ignored %s from %s, which is not in TRUSTED_PROXIES.", settings.PROXY_USER_HEADER, address or "?"
        )
        return ""
    if FORBIDDEN & set(username) or len(username) > MAX_LENGTH:
        logger.warning("Ignored %s: it has several values or an invalid one.", settings.PROXY_USER_HEADER)
        return ""
    return username


def _account(username: str) -> User | None:
    account = User.objects.filter(username=username).first()
    if account is not None:
        return account if account.is_active else None
    return _create(username) if settings.PROXY_NEW_ACCOUNTS else None


def _create(username: str) -> User | None:
    """Create the account; a parallel request for the same page may have just done so."""
    user = User(username=username)
    user.set_unusable_password()
    try:
        # Within try, since PostgreSQL accepts no further statement in a transaction with a failed one.
        with transaction.atomic():
            user.save()
            user_management.set_role(user, Role(settings.PROXY_ROLE))
            audit_log.record(AuditEntry.Action.ADD, user, by_id=None, details={"source": settings.PROXY_USER_HEADER})
    except IntegrityError:
        return User.objects.filter(username=username, is_active=True).first()
    return user
