"""The part of HTTP/1.1 that browsers use: six kept-alive connections to a server.

Far cheaper than a complete HTTP library, so that fifty clients leave the processor to the servers measured.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

CONNECTIONS = 6  # as browsers open to one server
SECONDS = 30.0  # for one response
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_COMPRESSED = re.compile(rb"\r\ncontent-encoding: *gzip", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True)
class Response:
    status: int
    head: bytes
    body: bytes

    @property
    def text(self) -> str:
        return (gzip.decompress(self.body) if _COMPRESSED.search(self.head) else self.body).decode()


class Connection:
    """A connection, which is reopened if the server has closed it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, request: bytes) -> Response:
        """Send a request. Raises OSError, EOFError or TimeoutError."""
        is_new = self._streams is None
        try:
            async with asyncio.timeout(SECONDS):
                try:
                    return await self._get(request)
                except (ConnectionError, asyncio.IncompleteReadError):
                    self.close()
                    if is_new:
                        raise
                    # The server had closed an idle connection; browsers retry in this case, too.
                    return await self._get(request)
        except BaseException:
            self.close()  # the rest of a response would be read as the next one
            raise

    async def _get(self, request: bytes) -> Response:
        reader, writer = self._streams or await asyncio.open_connection(*self._address, limit=1 << 20)
        self._streams = reader, writer
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        response = Response(int(head[9:12]), head, await _body(reader, head))
        if _CLOSES.search(head):
            self.close()
        return response

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
        self._streams = None


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if _CHUNKED.search(head):
        parts = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readexactly(2)
        return b"".join(parts)
    length = _LENGTH.search(head)
    return await reader.readexactly(int(length[1])) if length else b""


class Browser:
    """The connections and the cookie of one person."""

    def __init__(self, address: tuple[str, int], cookie: str) -> None:
        host, port = address
        self._fields = f"Host: {host}:{port}\r\nAccept-Encoding: gzip\r\n" + (f"Cookie: {cookie}\r\n" if cookie else "")
        self._connections = [Connection(address) for _ in range(CONNECTIONS)]
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in self._connections:
            self._free.put_nowait(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        connection = await self._free.get()
        try:
            yield connection
        finally:
            self._free.put_nowait(connection)

    def request(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        own = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        return f"GET {url} HTTP/1.1\r\n{self._fields}{own}\r\n".encode()

    async def close(self) -> None:
        for connection in self._connections:
            connection.close()
        await asyncio.sleep(0)  # lets the event loop close the sockets
