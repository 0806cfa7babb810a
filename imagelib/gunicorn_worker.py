"""Gunicorn thread worker that reads requests before they occupy a thread.

Gunicorn gives a new connection to one of its few threads, which waits for the request, so twenty connections that send
nothing would stop the site. Here the main loop reads the head of a request, and a small body, before a thread gets the
connection. Large bodies are read by the thread: only signed-in users may send them (analysis/web/body_limits.py), and
every wait for them is bounded.
"""

from __future__ import annotations

import errno
import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

REQUEST_SECONDS = 15.0
"""Time limit for a request to arrive; only a complete one gets a thread."""
SOCKET_SECONDS = 30.0
"""Timeout of each read of a large body, and of each write of a response, by a thread."""
HEAD_BYTES = 128 * 1024
"""A search of 4,000 non-Latin characters takes 48,000 bytes in a URL, and htmx repeats the URL in a header."""
SMALL_BODY_BYTES = 64 * 1024
LINGER_SECONDS = 2.0
"""Time to keep reading after the response: closing with unread data would reset the connection and lose it."""
LINGER_BYTES = 4 * 1024**2
MAX_LINGERING = 200
DRAIN_SECONDS = 0.2
"""Time to read the rest of an unused body, so that the connection can be kept alive."""

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)
_TOO_LONG = b"The URL or the request headers are too long. Go back and shorten the search.\n"
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s" % (len(_TOO_LONG), _TOO_LONG)
)


def is_complete(received: bytes | bytearray) -> bool:
    """True if the head, and the body if it is small, is complete: no thread waits."""
    end = received.find(_END)
    if end < 0:
        return False
    # A chunked body has no length and is not waited for: BodyLimits refuses it.
    length = _LENGTH.search(received, 0, end + len(_END) - 2)
    body = int(length[1]) if length else 0
    return body > SMALL_BODY_BYTES or len(received) - end - len(_END) >= body


class Connection(TConn):
    """A connection, with the bytes read so far of its next request."""

    def __init__(self, *args: Any, linger: Callable[[Connection], None]) -> None:
        super().__init__(*args)
        self.received = bytearray()
        self.data_ready = True
        self.drained = 0
        self._linger = linger

    def init(self) -> None:
        """Called in a thread before each request."""
        super().init()
        self.sock.settimeout(SOCKET_SECONDS)
        if self.received:
            self.parser.unreader.unread(bytes(self.received))
            self.received.clear()

    def close(self, graceful: bool = False) -> None:
        # Not Gunicorn's graceful close, which would block the main loop for up to two seconds.
        if graceful:
            self._linger(self)
        else:
            super().close()

    @property
    def is_too_long(self) -> bool:
        return len(self.received) > HEAD_BYTES and self.received.find(_END, 0, HEAD_BYTES) < 0


class BufferingWorker(ThreadWorker):
    """Thread worker with buffered requests; plain HTTP only, as TLS ends at a proxy."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lingering: deque[Connection] = deque()

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError as error:
            # Gunicorn's worker would exit. Here the connection waits in the backlog until a descriptor is free.
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self.log.warning("Out of file descriptors; not accepting connections: %s", error)
            elif error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                raise
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname(), linger=self.linger))

    def enqueue_req(self, conn: Connection) -> None:
        """Give the connection to a thread, or wait for the rest of its request."""
        if conn.parser is not None:
            conn.received += conn.parser.unreader.take_buffered()
        if is_complete(conn.received):
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + REQUEST_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        data = _received(client)
        if data is None:
            return
        conn.received += data
        if data and not conn.is_too_long and not is_complete(conn.received):
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if data and not conn.is_too_long:
            super().enqueue_req(conn)
            return
        self.nr_conns -= 1
        if data:
            client.send(_REFUSAL)
        conn.close(graceful=bool(data))

    def murder_pending(self) -> None:
        # Also closes lingering connections and, when the worker stops, those that have sent nothing.
        now = time.monotonic()
        while self.lingering and (self.lingering[0].timeout <= now or not self.alive):
            self._end(self.lingering.popleft())
        if not self.alive:
            for conn in [conn for conn in self.pending_conns if not conn.received]:
                self.pending_conns.remove(conn)
                self.nr_conns -= 1
                self._end(conn)
        super().murder_pending()

    def linger(self, conn: Connection) -> None:
        """Close the connection once the client has closed its side, or after a short wait."""
        if len(self.lingering) >= MAX_LINGERING:
            self._end(self.lingering.popleft())
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            conn.close()
            return
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self.lingering.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))

    def _discard(self, conn: Connection, client: socket.socket) -> None:
        data = _received(client)
        conn.drained += len(data or b"")
        if data == b"" or conn.drained > LINGER_BYTES:
            self.lingering.remove(conn)
            self._end(conn)

    def _end(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        conn.close()

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        # The rest of an unread body is read only briefly, since a slow client would occupy the thread.
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + DRAIN_SECONDS))


def _received(client: socket.socket) -> bytes | None:
    """The received bytes; empty at the end of the stream, None if there are none yet."""
    try:
        return client.recv(HEAD_BYTES)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""
