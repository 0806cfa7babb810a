"""Minimal HTTP/1.1 server connection with keep-alive, as AWS clients use it."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, cast
from uuid import uuid4

from imagelib.simulator import control, statistics
from imagelib.simulator.service import Reply, Simulator

MAX_HEAD = 64 * 1024
MAX_BODY = 32 * 1024 * 1024
NOTICE: Final = "These results are invented; no picture was looked at."
END_OF_HEAD: Final = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    def __init__(self, simulator: Simulator, connections: set[Connection]) -> None:
        self._simulator = simulator
        self._connections = connections
        self._received: list[bytes] = []  # parts of the head, then of the body
        self._size = 0
        self._head: _Head | None = None
        self._is_busy = False
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._is_open = True
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._is_open = False
        self._connections.discard(self)

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._size += len(data)
        if not self._is_busy:
            self._advance()

    def _advance(self) -> None:
        """Read a head, wait for its body, then handle the request."""
        if self._head is None and not self._read_head():
            return
        head = cast(_Head, self._head)
        if self._size < head.size:
            return
        data = b"".join(self._received)
        body, rest = data[: head.size], data[head.size :]
        self._received, self._size, self._head = [rest], len(rest), None
        self._is_busy = True
        self._handle(head, body)

    def _read_head(self) -> bool:
        data = b"".join(self._received)
        end = data.find(END_OF_HEAD)
        if end < 0:
            self._received = [data]
            if len(data) > MAX_HEAD:
                self._reject(431)
            return False
        try:
            head = _Head(data[:end])
        except ValueError:
            self._reject(400)
            return False
        # botocore sends the length of every body, so chunks are not parsed.
        if head.size > MAX_BODY or b"transfer-encoding" in head.headers:
            self._reject(413 if head.size > MAX_BODY else 411)
            return False
        rest = data[end + len(END_OF_HEAD) :]
        self._head, self._received, self._size = head, [rest], len(rest)
        # curl waits a second for this line before it sends a large body.
        if head.headers.get(b"expect", b"").lower() == b"100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _handle(self, head: _Head, body: bytes) -> None:
        if head.path.startswith(control.PATH):
            status, content = control.handle(self._simulator, method=head.method, path=head.path, body=body)
            self._write(status, content, content_type="application/json", request_id=str(uuid4()))
            self._finish_request()
        elif head.method != "POST":
            self._reject(405)
        else:
            self._simulator.call(head.headers, body, self._reply)

    def _reply(self, reply: Reply) -> None:
        if reply.delay:
            asyncio.get_running_loop().call_later(reply.delay, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        outcome = reply.outcome
        if outcome == statistics.ANSWERED and not self._is_open:
            outcome = statistics.UNHEARD
        self._simulator.statistics.end(reply.operation, outcome, picture=reply.picture)
        if not self._is_open:
            return
        if outcome in {statistics.DROPPED, statistics.DROPPED_EARLY}:
            self._transport.close()
            return
        if outcome == statistics.SILENT:
            return
        if outcome == statistics.PAGE:  # as if from a proxy: the request never reached AWS, so it has no request id
            self._write(reply.status, reply.body, content_type="text/html", request_id="")
            self._finish_request()
            return
        half_body = reply.body[: len(reply.body) // 2]
        body = half_body if outcome in {statistics.MALFORMED, statistics.CUT} else reply.body
        # The full length lets a client detect the cut; botocore treats half a JSON document as an empty response.
        size = len(reply.body if outcome == statistics.CUT else body)
        self._write(
            reply.status, body, size=size, content_type="application/x-amz-json-1.1", request_id=reply.request_id
        )
        if outcome == statistics.CUT:
            self._transport.close()
        else:
            self._finish_request()

    def _finish_request(self) -> None:
        self._is_busy = False
        if self._size:
            self._advance()

    def _reject(self, status: int) -> None:
        """Send an error and close, since the rest of the connection can't be parsed."""
        self._write(status, b"", content_type="text/plain", request_id=str(uuid4()))
        self._transport.close()

    def _write(self, status: int, body: bytes, *, content_type: str, request_id: str, size: int | None = None) -> None:
        id_header = f"x-amzn-RequestId: {request_id}\r\n" if request_id else ""
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {formatdate(usegmt=True)}\r\n"
            f"{id_header}X-Simulated: {NOTICE}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body) if size is None else size}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)


class _Head:
    """A parsed request head. Raises ValueError if it is not HTTP."""

    def __init__(self, text: bytes) -> None:
        first, *lines = text.split(b"\r\n")
        method, path, version = first.split(b" ")
        if not version.startswith(b"HTTP/1."):
            raise ValueError(version)
        self.method, self.path = method.decode("latin-1"), path.decode("latin-1")
        self.headers: dict[bytes, bytes] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon:
                raise ValueError(line)
            self.headers[name.strip().lower()] = value.strip()
        self.size = int(self.headers.get(b"content-length", b"0"))
        if self.size < 0:
            raise ValueError(self.size)
