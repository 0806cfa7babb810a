"""API tokens: creation, request authentication, revocation."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import cast

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from analysis import audit_log
from analysis.models import AuditEntry
from imagelib.accounts.models import ApiToken, User

PREFIX = "imagelib_"
"""Prefix of all tokens, so that secret scanners can find one that was committed by mistake."""
HINT_LENGTH = len(PREFIX) + 4
API_PATH = "/api/"
USE_PRECISION = timedelta(minutes=1)
"""Precision of `last_used_at`, since a write for each request would cost more than most requests."""
MAX_TOKENS = 50


def create(
    user: User, *, name: str, scopes: Iterable[str], days: int | None, spending_limit: Decimal | None = None
) -> tuple[ApiToken, str]:
    """Create a token; returns it and its text, which is not stored.

    It expires after `days`; None for never.
    """
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            digest=_digest(text),
            hint=text[:HINT_LENGTH],
            scopes=list(scopes),
            spending_limit=spending_limit,
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        audit_log.record(AuditEntry.Action.ADD, token, by_id=user.pk, details={"scopes": sorted(token.scopes)})
    return token, text


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Tokens that are not revoked, newest first, including expired ones."""
    return ApiToken.objects.filter(user=user, revoked_at=None).order_by("-created_at")


def revoke(token: ApiToken, *, by_id: int) -> None:
    """Revoke a token but keep its row: batches and logs refer to it."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            details = {"user": token.user.get_username()}
            audit_log.record(AuditEntry.Action.REVOKE, token, by_id=by_id, details=details)


def find(text: str) -> ApiToken | None:
    """Find the valid token with this text, of an active user, and record its use."""
    # A plain digest is enough: the text has 256 random bits, so it can't be guessed, and a slow hash adds nothing.
    now = timezone.now()
    valid = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))
    tokens = ApiToken.objects.select_related("user").filter(valid, digest=_digest(text), user__is_active=True)
    token = tokens.first()
    if token and (token.last_used_at is None or now - token.last_used_at > USE_PRECISION):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


class ApiRequest(HttpRequest):
    """A request below /api/ that has passed `authentication`."""

    api_token: ApiToken | None


Handler = Callable[[HttpRequest], HttpResponseBase]


def authentication(get_response: Handler) -> Handler:
    """Middleware that signs an API request in as the owner of its bearer token.

    Goes right after AuthenticationMiddleware. Session cookies are ignored below /api/: a browser also sends them for
    requests from other sites, and the API has no CSRF check.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API_PATH):
            token = _token_of(request)
            cast(ApiRequest, request).api_token = token
            request.user = token.user if token else AnonymousUser()
        return get_response(request)

    return middleware


def _token_of(request: HttpRequest) -> ApiToken | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return find(text.strip()) if scheme.lower() == "bearer" and text.strip().startswith(PREFIX) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
