"""Access to the pages behind a share link: token, password and headers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import ceil

from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import ngettext

from analysis.models import ShareLink
from analysis.permissions import collections as rights
from analysis.web.http import Request
from analysis.web.sharing import unlock

HEADERS = {
    "X-Robots-Tag": "noindex, nofollow",
    # The URL is the key to the pictures, so it must not reach another site.
    "Referrer-Policy": "no-referrer",
}
ShareView = Callable[..., HttpResponseBase]
LockedView = Callable[[Request, ShareLink], HttpResponseBase]


def shared(view: ShareView) -> ShareView:
    """Pass a view the link of its token; 404 if that is invalid or locked."""
    return _guarded(view, if_locked=lambda request, _link: _missing_page(request))


def shared_or_locked(view: ShareView) -> ShareView:
    """The same, but a locked link shows the password form."""
    return _guarded(view, if_locked=password_page)


def _guarded(view: ShareView, *, if_locked: LockedView) -> ShareView:
    @login_not_required
    @wraps(view)
    def checked(request: Request, token: str, **arguments: object) -> HttpResponseBase:
        try:
            link = rights.get_share_link_or_404(token)
            if not unlock.is_unlocked(request, link):
                return with_headers(if_locked(request, link))
            return with_headers(view(request, link, **arguments))
        except Http404:
            # One page for all causes, so that an expired link looks like a wrong guess.
            return with_headers(_missing_page(request))

    return checked


def _missing_page(request: Request) -> HttpResponseBase:
    return render(request, "sharing/unavailable.html", status=404)


def with_headers(response: HttpResponseBase) -> HttpResponseBase:
    for name, value in HEADERS.items():
        # setdefault, since the password page has another Referrer-Policy.
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def link_or_none(token: str) -> ShareLink | None:
    try:
        return rights.get_share_link_or_404(token)
    except Http404:
        return None


def password_page(
    request: Request, link: ShareLink, *, error: str = "", wait: int = 0, status: int = 200
) -> HttpResponseBase:
    """The password form; `wait` is the number of seconds until the next attempt."""
    # The context reveals nothing of what is behind the link, not even its name.
    context = {"token": link.token, "error": _wait_message(wait) if wait else error}
    response = render(request, "sharing/password.html", context, status=429 if wait else status)
    if wait:
        response["Retry-After"] = str(wait)
    # With no-referrer, browsers send the form with "Origin: null", which the CSRF check rejects.
    response["Referrer-Policy"] = "same-origin"
    return with_headers(response)


def _wait_message(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    return ngettext(
        "Too many wrong passwords. Try again in %(minutes)s minute.",
        "Too many wrong passwords. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}
