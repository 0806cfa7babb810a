"""Gunicorn's thread worker, with requests read before they take a thread.

Gunicorn gives each new connection to one of its few threads, which waits there for the request: twenty connections that
send nothing stop the site. Here the main loop reads the head of a request, and its body if it is small, and only then
hands the connection over. Large bodies are read by the thread: those are for people who are signed in alone
(analysis/web/body_limits.py), and each wait for them is bounded.
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
"""Within which a request that takes no thread yet must be complete."""
SOCKET_SECONDS = 30.0
"""How long a thread waits for the next bytes of a large body, or for some of an answer to be taken."""
HEAD_BYTES = 128 * 1024
"""A search of 4,000 characters of any alphabet is 48,000 bytes long in an address, and htmx sends it a second time."""
SMALL_BODY_BYTES = 64 * 1024
LINGER_SECONDS = 2.0
"""How long a connection that was answered is read on, so that the client gets the answer before it is closed."""
LINGER_BYTES = 4 * 1024**2
MOST_LINGERING = 200
DRAIN_SECONDS = 0.2
"""How long a thread reads a body that nobody wanted, to keep the connection open for the next request."""

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)
_TOO_LONG = b"This address, or what the browser sent with it, is too long. Go back, and shorten the search.\n"
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s" % (len(_TOO_LONG), _TOO_LONG)
)


def is_complete(received: bytes | bytearray) -> bool:
    """Whether a thread can answer without waiting: the whole head, and the whole body if that is small."""
    end = received.find(_END)
    if end < 0:
        return False
    length = _LENGTH.search(received, 0, end + len(_END) - 2)
    body = int(length[1]) if length else 0
    return body > SMALL_BODY_BYTES or len(received) - end - len(_END) >= body


class Connection(TConn):  # type: ignore[misc] # gunicorn has no types
    """A connection with what was read of its next request so far."""

    def __init__(self, *details: Any, linger: Callable[[Connection], None]) -> None:
        super().__init__(*details)
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
        """Gunicorn's own way of closing gracefully makes the main loop wait for two seconds."""
        if graceful:
            self._linger(self)
        else:
            super().close()

    @property
    def is_too_long(self) -> bool:
        return len(self.received) > HEAD_BYTES and self.received.find(_END, 0, HEAD_BYTES) < 0


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """Takes plain HTTP; TLS ends at a proxy."""

    def __init__(self, *details: Any, **options: Any) -> None:
        super().__init__(*details, **options)
        self.lingering: deque[Connection] = deque()

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self.log.warning("No more connections can be opened: %s", error)
            elif error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                raise
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname(), linger=self.linger))

    def enqueue_req(self, conn: Connection) -> None:
        """Give it to a thread if its request is there, else wait for the rest of it."""
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
        """Also those that were answered long enough ago; and, when the worker is to end, those that sent nothing."""
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
        """Close it when the client has closed its side, or a little later; at once where too many wait so."""
        if len(self.lingering) >= MOST_LINGERING:
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
        """A body that nobody wanted is hardly read: that would keep a thread waiting."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + DRAIN_SECONDS))


def _received(client: socket.socket) -> bytes | None:
    """What has come; nothing at the end, None where there is neither."""
    try:
        return client.recv(HEAD_BYTES)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""
