"""Middleware that routes a page's searches to the read replica, if there is one."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from analysis.search import replica
from analysis.search.connection import search_alias, searching_in

COOKIE = "primary"
"""For a few seconds after a change, this browser's searches read the primary database, which already has it."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SearchReplica:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not replica.is_configured():
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_safe = request.method in SAFE_METHODS
        # API clients with a token keep no cookies, and may search for what they have just changed.
        may_lag = is_safe and COOKIE not in request.COOKIES and "Authorization" not in request.headers
        alias = replica.REPLICA if may_lag and replica.monitor.is_usable() else DEFAULT_DB_ALIAS
        with searching_in(alias):
            response = self.get_response(request)
        if not is_safe:
            response.set_cookie(
                COOKIE,
                "1",
                max_age=replica.PRIMARY_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Repeat the request with the primary database if the replica failed."""
        # This includes statements that the replica canceled because they conflicted with changes it was replaying.
        if search_alias() == DEFAULT_DB_ALIAS or not isinstance(exception, OperationalError | InterfaceError):
            return None
        match = request.resolver_match
        if match is None:
            return None
        replica.monitor.mark_failed(exception)
        with searching_in(DEFAULT_DB_ALIAS):
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response
