"""Middleware: an id for each request, by which log lines are joined."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars

from analysis.web.http import has_trusted_sender

HEADER = "X-Request-ID"
# Where the access log finds the person; Gunicorn hands the environment to it.
USER_ID = "imagelib.user_id"
_VALID_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{5,63}")
Handler = Callable[[HttpRequest], HttpResponseBase]


def middleware(get_response: Handler) -> Handler:
    """The first one: the id is in all log lines of the request, and in its response."""

    def with_id(request: HttpRequest) -> HttpResponseBase:
        request_id = _request_id(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        # A streamed body is sent after this; so the thread's next request clears what this one binds.
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        response = get_response(request)
        response[HEADER] = request_id
        return response

    return with_id


class UserIds:
    """After the middleware that requires a sign-in: log lines name the person.

    Only if the person is loaded already, since logging must cost no query.
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
    user = request.user if getattr(request, "api_token", None) else getattr(request, "_cached_user", None)
    if user is not None and user.pk is not None:
        request.META[USER_ID] = user.pk
        bind_contextvars(user_id=user.pk)


def _request_id(request: HttpRequest) -> str:
    """The proxy's id if it is one and the proxy is trusted; else a new one."""
    sent = str(request.META.get("HTTP_X_REQUEST_ID", ""))
    if _VALID_ID.fullmatch(sent) and has_trusted_sender(request):
        return sent
    return uuid.uuid4().hex
