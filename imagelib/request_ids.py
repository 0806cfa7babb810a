"""Middleware that gives each request an id, which all its log lines contain."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars

from analysis.web.http import has_trusted_sender

HEADER = "X-Request-ID"
# The key in the WSGI environment by which Gunicorn's access log finds the user.
USER_ID = "imagelib.user_id"
_VALID_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{5,63}")
Handler = Callable[[HttpRequest], HttpResponseBase]


def middleware(get_response: Handler) -> Handler:
    """Goes first: the id is in all log lines of the request, and in its response."""

    def with_id(request: HttpRequest) -> HttpResponseBase:
        request_id = _request_id(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        # Cleared by the thread's next request, not at the end of this one, since a streamed body is sent later.
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        response = get_response(request)
        response[HEADER] = request_id
        return response

    return with_id


class UserIds:
    """Middleware that adds the user's id to log lines; after LoginRequiredMiddleware.

    Only if the user has been loaded already, since logging must not cost a query.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        _bind_user(request)
        return response

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        _bind_user(request)


def _bind_user(request: HttpRequest) -> None:
    # request.user would load the user with a query. `_cached_user` is there once something has, and the user of a token
    # always is.
    user = request.user if getattr(request, "api_token", None) else getattr(request, "_cached_user", None)
    if user is not None and user.pk is not None:
        request.META[USER_ID] = user.pk
        bind_contextvars(user_id=user.pk)


def _request_id(request: HttpRequest) -> str:
    """The trusted proxy's request id if it is valid; else a new one."""
    sent = str(request.META.get("HTTP_X_REQUEST_ID", ""))
    if _VALID_ID.fullmatch(sent) and has_trusted_sender(request):
        return sent
    return uuid.uuid4().hex
