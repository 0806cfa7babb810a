"""What requests say, read without trusting it."""

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

MOST_FORWARDED = 1_000
"""Characters of X-Forwarded-For that are read, from its end."""


class Request(HttpRequest):
    """A request as the middleware leaves it."""

    htmx: HtmxDetails
    user: AbstractBaseUser | AnonymousUser  # type: ignore[assignment]


def current_user_id(request: Request) -> int:
    """Who asks, on a page that only people who are signed in reach."""
    if request.user.pk is None:
        raise PermissionDenied
    return int(request.user.pk)


def client_address(request: HttpRequest) -> str:
    """Where a request comes from: the last address that no proxy of ours has. Empty for a local socket."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))[-MOST_FORWARDED:].split(",")
    while _is_trusted(address) and forwarded:
        nearer = forwarded.pop().strip()
        if not _parsed(nearer):
            break
        address = nearer
    return address


def _is_trusted(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


@cache
def _networks(texts: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(text, strict=False) for text in texts]


def is_fragment(request: Request) -> bool:
    """Whether htmx wants a part of the page; on the way back through history it wants all of it."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def int_param(text: str, *, maximum: int, minimum: int = 1) -> int:
    """The number a text says, within bounds; the least for anything else."""
    return min(max(int(text), minimum), maximum) if re.fullmatch(r"[0-9]{1,18}", text) else minimum


def id_list_param(texts: Iterable[str], *, maximum: int) -> dict[int, str]:
    """Ids with what each is said to be, from `id-word` or `id`; what is neither is passed over."""
    found = (re.fullmatch(r"([0-9]{1,18})(?:-([a-z0-9]*))?", text) for text in texts)
    pairs = [(int(match[1]), match[2] or "") for match in found if match]
    return dict(pairs[:maximum])


def next_url(request: HttpRequest) -> str:
    """The page of ours that a form says it was sent from (`next`), else the library."""
    wanted = request.POST.get("next", "")
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else reverse("library")
