"""Typed and validated access to requests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

MAX_FORWARDED_LENGTH = 1_000
"""Characters of X-Forwarded-For that are read; at the end, where trusted proxies append addresses."""


class Request(HttpRequest):
    """A request after the authentication and htmx middleware."""

    htmx: HtmxDetails
    user: AbstractBaseUser | AnonymousUser  # type: ignore[assignment]


def current_user(request: Request) -> AbstractBaseUser:
    """The signed-in user. Raises PermissionDenied for anonymous requests."""
    if not isinstance(request.user, AbstractBaseUser):
        raise PermissionDenied
    return request.user


def current_user_id(request: Request) -> int:
    """The signed-in user's id. Raises PermissionDenied for anonymous requests."""
    return int(current_user(request).pk)


def client_address(request: HttpRequest) -> str:
    """The client's address: the last not of a trusted proxy; empty for a Unix socket."""
    # Each proxy appends the address it was called from, so only the end of X-Forwarded-For can be trusted.
    address = str(request.META.get("REMOTE_ADDR", ""))
    # Cut: a header of a megabyte would otherwise be split into countless parts at each sign-in.
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))[-MAX_FORWARDED_LENGTH:].split(",")
    while is_trusted_proxy(address) and forwarded:
        previous_hop = forwarded.pop().strip()
        if not _parse_ip(previous_hop):
            # Malformed, so whoever sent it can't be trusted with the addresses before it.
            break
        address = previous_hop
    return address


def has_trusted_sender(request: HttpRequest) -> bool:
    """True if the request comes from one of TRUSTED_PROXIES."""
    return is_trusted_proxy(str(request.META.get("REMOTE_ADDR", "")))


def is_trusted_proxy(address: str) -> bool:
    """True for the addresses and networks of TRUSTED_PROXIES."""
    parsed = _parse_ip(address)
    return parsed is not None and any(parsed in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


def _parse_ip(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


@cache
def _networks(texts: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(text, strict=False) for text in texts]


def is_fragment(request: Request) -> bool:
    """True for htmx requests, except history restores, which need the full page."""
    # If htmx's history cache has lost a page, htmx requests it again and replaces the whole body.
    return bool(request.htmx) and not request.htmx.history_restore_request


def one_line(text: str) -> str:
    """Collapse white space, and remove NUL, which PostgreSQL refuses."""
    return " ".join(text.replace("\x00", " ").split())


def int_param(text: str, *, maximum: int, minimum: int = 1) -> int:
    """Parse a number and clamp it to the bounds; `minimum` if it is not a number."""
    # 18 digits fit into PostgreSQL's bigint.
    return min(max(int(text), minimum), maximum) if re.fullmatch(r"[0-9]{1,18}", text) else minimum


def id_list_param(texts: Iterable[str], *, maximum: int) -> dict[int, str]:
    """Parse `id-version` or `id` into {id: version}; anything else is ignored."""
    matches = (re.fullmatch(r"([0-9]{1,18})(?:-([a-z0-9]*))?", text) for text in texts)
    pairs = [(int(match[1]), match[2] or "") for match in matches if match]
    return dict(pairs[:maximum])


def next_url(request: HttpRequest) -> str:
    """The form's `next` if it is a path on this site, else the library."""
    url = request.POST.get("next", "")
    # Both: "//evil.example" begins with a slash, and Django's check alone accepts relative paths of any kind.
    is_local = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if is_local else reverse("library")
