"""HTTP requests to addresses that users enter.

IP addresses that are not public are rejected after the DNS lookup, and the connection is made to the checked address
(requests-hardened). Redirects are not followed.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import requests
import requests_hardened
from django.conf import settings
from django.utils.translation import gettext as _
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

import imagelib
from analysis.delivery.base import REQUEST_SECONDS, Outcome

CONNECT_SECONDS = 5.0
MAX_RESPONSE = 64 * 1024
"""Bytes of a response that are read, for the error on the page."""
MAX_EXCERPT = 200


@dataclass(frozen=True)
class Response:
    status: int
    text: str
    """The beginning of the body."""


class RequestFailed(Exception):
    """A request got no response. The message says why."""


def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> Response:
    """Send a POST request. Raises RequestFailed."""
    end = time.monotonic() + REQUEST_SECONDS
    try:
        with (
            _session() as session,
            # stream, since otherwise the whole body would be read, whatever its size, before the status is known.
            session.post(
                url, data=body, headers=dict(headers), stream=True, timeout=(CONNECT_SECONDS, REQUEST_SECONDS)
            ) as response,
        ):
            return Response(response.status_code, _read(response))
    # Before RequestException, of which it is a subclass.
    except InvalidIPAddress as error:
        message = _("%(host)s is at %(address)s, which is not a public address.")
        raise RequestFailed(message % {"host": urlsplit(url).hostname, "address": error}) from error
    except (requests.RequestException, ValueError) as error:
        # A connection that was cut off in time ends with another error than Timeout.
        if isinstance(error, requests.Timeout) or time.monotonic() >= end:
            raise RequestFailed(_("No response within %(seconds)d seconds.") % {"seconds": REQUEST_SECONDS}) from error
        raise RequestFailed(_("The request failed: %(error)s") % {"error": _reason(error)}) from error


def outcome_of(
    url: str, body: bytes, *, headers: Mapping[str, str], gone_statuses: Collection[int] = frozenset({410})
) -> Outcome:
    """Send a POST request; any status of 2xx means delivered.

    `gone_statuses`: those with which a receiver refuses all further messages.
    """
    try:
        response = post(url, body, headers=headers)
    except RequestFailed as error:
        return Outcome(str(error))
    if 200 <= response.status < 300:
        return Outcome()
    if response.status in gone_statuses:
        sentence = _("The receiver returned HTTP %(status)d: it no longer accepts messages.")
        return Outcome(sentence % {"status": response.status}, is_permanent=True, is_gone=True)
    if 300 <= response.status < 400:
        return Outcome(
            _("The receiver returned HTTP %(status)d. Redirects are not followed.") % {"status": response.status}
        )
    values = {"status": response.status, "text": " ".join(response.text.split())[:MAX_EXCERPT]}
    return Outcome((_("The receiver returned HTTP %(status)d. %(text)s") % values).strip())


def address_error(url: str) -> str:
    """Why a URL is not a valid address; empty if it is."""
    try:
        parts = urlsplit(url)
        # urlsplit does not check the port before it is read.
        port = parts.port
    except ValueError:
        return _("This is not a valid URL.")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return _("Enter a URL that starts with https:// or http://.")
    if parts.username is not None or port == 0:
        return _("Enter a URL without a username and password.")
    return ""


def _read(response: requests.Response) -> str:
    """The beginning of the body, or as much of it as arrived in time."""
    body = b""
    with suppress(requests.RequestException):  # the status has arrived, which is the outcome
        for chunk in response.iter_content(8 * 1024):
            body += chunk
            if len(body) >= MAX_RESPONSE:
                break
    # The text is saved as the error, and PostgreSQL cannot store NUL.
    return body[:MAX_RESPONSE].decode(errors="replace").replace("\x00", "")


def _reason(error: Exception) -> str:
    """The innermost cause, since the outer ones repeat the URL with its secrets."""
    cause: BaseException = error
    while inner := cause.__cause__ or cause.__context__:
        cause = inner
    return str(getattr(cause, "strerror", "") or type(cause).__name__)


class _Cut:
    """A connection that is cut off REQUEST_SECONDS after it was begun.

    The timeouts of `requests` are per read, so that a response of single bytes could take hours.
    """

    sock: socket.socket

    def connect(self) -> None:
        end = time.monotonic() + REQUEST_SECONDS
        super().connect()  # type: ignore[misc]
        # Not by the method of a TLS socket, which the reading thread is using.
        self._timer = threading.Timer(end - time.monotonic(), _shut_down, [self.sock])
        # A daemon, so that a timer does not delay the end of the process.
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        if timer := getattr(self, "_timer", None):
            timer.cancel()
        super().close()  # type: ignore[misc]


def _shut_down(connected: socket.socket) -> None:
    """End all reads of a socket in other threads."""
    with suppress(OSError):  # closed in the meantime
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


class _Connection(_Cut, HTTPConnection):
    pass


class _TlsConnection(_Cut, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _session() -> requests.Session:
    session: requests.Session = _manager(settings.DELIVERY_PRIVATE_ADDRESSES).get_session()
    for adapter in session.adapters.values():
        # urllib3 takes the class of its connections from the pool.
        adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}  # type: ignore[attr-defined]
    return session


@cache
def _manager(allows_private: bool) -> requests_hardened.Manager:
    return requests_hardened.Manager(
        requests_hardened.Config(
            ip_filter_enable=not allows_private,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=(CONNECT_SECONDS, REQUEST_SECONDS),
            user_agent_override=f"imagelib/{imagelib.__version__}",
        )
    )
