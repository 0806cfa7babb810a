"""Language of pages: the account's, else the one Django found for the browser."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation


def has_choice() -> bool:
    """False while imagelib has one language: then no page offers a choice."""
    return len(settings.LANGUAGES) > 1


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Goes after LocaleMiddleware and the authentication."""

    def with_language(request: HttpRequest) -> HttpResponseBase:
        language = getattr(request.user, "language", "")
        if language and language in dict(settings.LANGUAGES):
            # Not undone here: LocaleMiddleware names it in the response's header, and starts over with each request.
            translation.activate(language)
        return get_response(request)

    return with_language
