"""The source of a change: a page, the API, the administration, or no request."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from analysis.models import AuditEntry

MCP_PATH = "/api/mcp"


@dataclass(frozen=True)
class RequestSource:
    name: str
    token: str = ""
    """Name and first characters of the API token."""


OUTSIDE_REQUESTS = RequestSource(AuditEntry.Source.BACKGROUND)
# A context variable, since otherwise every function between a view and the change would have to pass it. It only
# informs and decides nothing.
_source: ContextVar[RequestSource] = ContextVar("source", default=OUTSIDE_REQUESTS)
Handler = Callable[[HttpRequest], HttpResponseBase]


def current_source() -> RequestSource:
    return _source.get()


def middleware(get_response: Handler) -> Handler:
    """Middleware that sets the source for changes made by a request."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        reset = _source.set(_source_of(request))
        try:
            return get_response(request)
        finally:
            _source.reset(reset)

    return handle


def _source_of(request: HttpRequest) -> RequestSource:
    token = getattr(request, "api_token", None)
    # Without the secret: "hint" is its first characters, which the account page shows, too.
    token_name = f"{token.name} ({token.hint}…)" if token else ""
    if request.path_info.startswith("/api/"):
        is_mcp = request.path_info.startswith(MCP_PATH)
        return RequestSource(AuditEntry.Source.MCP if is_mcp else AuditEntry.Source.API, token_name)
    is_admin = request.path_info.startswith(reverse("admin:index"))
    return RequestSource(AuditEntry.Source.ADMIN if is_admin else AuditEntry.Source.PAGE)
