"""Serves the protocol over standard input and output, for clients that start it."""

from __future__ import annotations

import asyncio
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.utils.translation import gettext as _
from mcp.server.stdio import stdio_server

from analysis.api.authentication import check_rate
from analysis.api.errors import ApiError
from analysis.mcp_server.calls import CallRefused
from analysis.mcp_server.server import server_for
from imagelib.accounts import api_tokens
from imagelib.accounts.api_tokens import ApiRequest


def serve(text: str) -> None:
    """Handle messages until the client closes the input.

    The token is looked up again for each call.
    """
    asyncio.run(_serve(text))


async def _serve(text: str) -> None:
    server = server_for(lambda: _request(text))
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


class _LocalRequest(ApiRequest):
    """A request whose URLs are those of the site, to which it was not sent."""

    def _get_scheme(self) -> str:
        return _site().scheme


def _site() -> SplitResult:
    """The address of this installation, for the URLs in results."""
    site = urlsplit(settings.SITE_URL)
    if site.netloc and validate_host(split_domain_port(site.netloc)[0], settings.ALLOWED_HOSTS):
        return site
    host = next((name for name in settings.ALLOWED_HOSTS if "*" not in name and not name.startswith(".")), "localhost")
    return urlsplit(f"{'https' if settings.SECURE_SSL_REDIRECT else 'http'}://{host}")


def _request(text: str) -> HttpRequest:
    """A request with the attributes that the middleware sets. Raises CallRefused."""
    close_old_connections()  # clients may be idle for hours, and there is no end of a web request to do this
    token = api_tokens.find(text)
    if token is None:
        raise CallRefused(_("The token has expired or was revoked. Create another one on your account page."))
    request = _LocalRequest()
    request.method = "POST"
    request.META = {"HTTP_HOST": _site().netloc}
    request.api_token, request.user = token, token.user
    try:
        check_rate(request, token)
    except ApiError as error:
        raise CallRefused(error.detail) from error
    return request
