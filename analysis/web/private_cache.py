"""What is shown to somebody who is signed in is kept by no cache, unless its view says otherwise."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse


class PrivateCache:
    """Stands after SessionMiddleware. Pages shown before sign-in, and static files, are left as they are."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_signed_in = SESSION_KEY in request.session
        response = self.get_response(request)
        if (was_signed_in or SESSION_KEY in request.session) and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response
