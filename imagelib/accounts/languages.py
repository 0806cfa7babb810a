"""Language of pages: the account's, else the one Django chose for the browser."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation


def has_choice() -> bool:
    """False while imagelib has only one language, when pages offer no choice."""
    return len(settings.LANGUAGES) > 1


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that activates the account's language.

    Goes after LocaleMiddleware and the authentication.
    """

    def with_language(request: HttpRequest) -> HttpResponseBase:
        language = getattr(request.user, "language", "")
        if language and language in dict(settings.LANGUAGES):
            # Not deactivated: LocaleMiddleware needs it for the Content-Language header, and starts over each time.
            translation.activate(language)
        return get_response(request)

    return with_language
