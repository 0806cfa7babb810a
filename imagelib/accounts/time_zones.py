"""Time zone of dates on pages: the account's, else the browser's, else TIME_ZONE."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "time_zone"
"""Set by time_zone.js, since browsers do not send their time zone."""


@cache
def names() -> frozenset[str]:
    """Names of time zones on this server, cached since reading them walks a directory."""
    return frozenset(available_timezones())


def browser_zone(request: HttpRequest) -> str:
    """The browser's time zone; empty if missing or unknown to this server."""
    name = unquote(request.COOKIES.get(COOKIE, ""))
    return name if name in names() else ""


def time_zone_of(request: HttpRequest) -> ZoneInfo | None:
    """The time zone of a request; None means TIME_ZONE."""
    account_zone = getattr(request.user, "time_zone", "")
    name = account_zone if account_zone in names() else browser_zone(request)
    return ZoneInfo(name) if name else None


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def with_time_zone(request: HttpRequest) -> HttpResponse:
        with timezone.override(time_zone_of(request)):
            return get_response(request)

    return with_time_zone
