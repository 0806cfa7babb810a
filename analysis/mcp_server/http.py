"""Runs the SDK's streamable HTTP, stateless and in JSON, behind a WSGI server."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from analysis.mcp_server.server import server_for

Message = MutableMapping[str, Any]
FORWARDED = frozenset({"content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id"})
RETURNED = frozenset({"content-type", "allow"})


def respond(request: HttpRequest) -> HttpResponse:
    """Handle one message. The request is authenticated and its Origin checked."""
    return async_to_sync(_respond)(request, request.body)


async def _respond(request: HttpRequest, body: bytes) -> HttpResponse:
    # One manager per request, since it can only run once, and without sessions there is no state.
    manager = StreamableHTTPSessionManager(server_for(lambda: request), json_response=True, stateless=True)
    sent: list[Message] = []
    is_read = False

    async def receive() -> Message:
        nonlocal is_read
        if is_read:
            return {"type": "http.disconnect"}
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    async with manager.run():
        await manager.handle_request(_scope(request), receive, send)
    return _response(sent)


def _scope(request: HttpRequest) -> dict[str, Any]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in request.headers.items()
        if name.lower() in FORWARDED or name.lower().startswith("mcp-")
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "headers": headers,
    }


def _response(sent: list[Message]) -> HttpResponse:
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    response = HttpResponse(content, status=start["status"])
    del response["Content-Type"]
    for name, value in start["headers"]:
        if name.decode("latin-1").lower() in RETURNED:
            response[name.decode("latin-1")] = value.decode("latin-1")
    return response
