"""Middleware: no caching for signed-in people, unless a view sets the header."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse


class PrivateCache:
    """Goes after SessionMiddleware. Anonymous pages and static files are unaffected."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Checked before and after the view: a sign-out removes the key, a sign-in adds it, and both pages are private.
        was_signed_in = SESSION_KEY in request.session
        response = self.get_response(request)
        if (was_signed_in or SESSION_KEY in request.session) and not response.has_header("Cache-Control"):
            # no-store, so that Back after signing out shows no private page
            response["Cache-Control"] = "private, no-store"
        return response
