"""HTTP requests to addresses that users enter.

IP addresses that are not public are rejected after the DNS lookup, and the connection is made to the checked address
(requests-hardened). Redirects are not followed.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import requests
import requests_hardened
from django.conf import settings
from django.utils.translation import gettext as _
from requests_hardened.ip_filter import InvalidIPAddress

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
            _manager(settings.DELIVERY_PRIVATE_ADDRESSES).get_session() as session,
            # The timeout of `requests` is per wait; `_read` limits the whole response.
            session.post(
                url, data=body, headers=dict(headers), stream=True, timeout=(CONNECT_SECONDS, REQUEST_SECONDS)
            ) as response,
        ):
            return Response(response.status_code, _read(response, end=end))
    except InvalidIPAddress as error:
        message = _("%(host)s is at %(address)s, which is not a public address.")
        raise RequestFailed(message % {"host": urlsplit(url).hostname, "address": error}) from error
    except requests.Timeout as error:
        raise RequestFailed(_("No response within %(seconds)d seconds.") % {"seconds": REQUEST_SECONDS}) from error
    except (requests.RequestException, ValueError) as error:
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
        port = parts.port
    except ValueError:
        return _("This is not a valid URL.")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return _("Enter a URL that starts with https:// or http://.")
    if parts.username is not None or port == 0:
        return _("Enter a URL without a username and password.")
    return ""


def _read(response: requests.Response, *, end: float) -> str:
    body = b""
    for chunk in response.iter_content(8 * 1024):
        body += chunk
        if len(body) >= MAX_RESPONSE or time.monotonic() > end:
            break
    # The text is saved as the error, and PostgreSQL cannot store NUL.
    return body[:MAX_RESPONSE].decode(errors="replace").replace("\x00", "")


def _reason(error: Exception) -> str:
    """The innermost cause, since the outer ones repeat the URL with its secrets."""
    cause: BaseException = error
    while inner := cause.__cause__ or cause.__context__:
        cause = inner
    return str(getattr(cause, "strerror", "") or type(cause).__name__)


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
