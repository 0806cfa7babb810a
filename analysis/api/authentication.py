"""Authentication by bearer token, scopes, and the rate limit."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import cast

import redis
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security.http import HttpAuthBase

from analysis.api.errors import ApiError
from analysis.models import AttemptCount
from analysis.web.attempt_limits import redis_client
from imagelib.accounts.models import ApiToken

WINDOW = 60
"""Seconds of the rate limit's window."""

logger = logging.getLogger(__name__)


class BearerToken(HttpAuthBase):
    """Requires a valid token with a scope; ApiError 401, 403 or 429 otherwise.

    The middleware `api_tokens.authentication` has read the header already and set `request.user`.
    """

    openapi_scheme = "bearer"

    def __init__(self, scope: ApiToken.Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiToken:
        token = token_of(request)
        check_rate(request, token)
        require_scope(token, self.scope)
        return token


READ = BearerToken(ApiToken.Scope.READ)
WRITE = BearerToken(ApiToken.Scope.WRITE)
DELETE = BearerToken(ApiToken.Scope.DELETE)
ANALYZE = BearerToken(ApiToken.Scope.ANALYZE)
ADMIN = BearerToken(ApiToken.Scope.ADMIN)


def token_of(request: HttpRequest) -> ApiToken:
    """The request's token. Raises ApiError 401."""
    # The middleware sets it for all requests below /api/, and only those get here.
    token: ApiToken | None = getattr(request, "api_token", None)
    if token is None:
        message = _("Send a valid API token: “Authorization: Bearer imagelib_…”. Create one on your account page.")
        raise ApiError(401, message, headers={"WWW-Authenticate": "Bearer"})
    return token


def require_scope(token: ApiToken, scope: ApiToken.Scope) -> None:
    """Raises ApiError 403 for a token without the scope."""
    # 403 instead of 404, since the owner of the token may know what it lacks.
    if scope not in token.scopes:
        message = _("This token lacks the “%(scope)s” scope. Create another one on your account page.")
        raise ApiError(403, message % {"scope": scope.value})


@dataclass(frozen=True)
class RateLimit:
    """The state of a token's window; `reset` in seconds."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The header fields that most clients read.

        As in draft-ietf-httpapi-ratelimit-headers-07. Later drafts have a single field, which few clients can parse.
        """
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class LimitedRequest(HttpRequest):
    """A request that was counted."""

    rate_limit: RateLimit


def rate_headers(request: HttpRequest) -> dict[str, str]:
    """The rate limit headers of a request, if it was counted."""
    rate_limit: RateLimit | None = getattr(request, "rate_limit", None)
    return rate_limit.headers if rate_limit else {}


def check_rate(request: HttpRequest, token: ApiToken) -> None:
    """Count the request, once. Raises ApiError 429 above API_REQUESTS_PER_MINUTE."""
    limit = settings.API_REQUESTS_PER_MINUTE
    if not limit or rate_headers(request):
        return
    now = time.time()
    window, reset = int(now // WINDOW), WINDOW - int(now % WINDOW)
    try:
        # A fixed window instead of a sliding one, since it takes two commands and callers can calculate with its
        # headers.
        used = _count(f"api-rate:{token.pk}:{window}", seconds=WINDOW * 2)
    except redis.RedisError as error:
        # Without Redis requests are not limited: that programs keep working matters more than the limit.
        logger.warning("API requests are not limited, because Redis is not available: %s", error)
        return
    state = RateLimit(limit, max(0, limit - used), reset)
    cast(LimitedRequest, request).rate_limit = state
    if used > limit:
        message = _("Too many requests: this token may send %(limit)s per minute. Try again in %(seconds)s s.")
        raise ApiError(429, message % {"limit": limit, "seconds": reset}, headers={"Retry-After": str(reset)})


def _count(key: str, *, seconds: int) -> int:
    """Requests of a window, this one included. Raises redis.RedisError."""
    if not settings.REDIS:
        return AttemptCount.increment([key], seconds=seconds)
    with redis_client().pipeline() as pipeline:
        pipeline.incr(key)
        pipeline.expire(key, seconds)  # two windows, since servers' clocks may differ by less than one
        return int(pipeline.execute()[0])
