"""Password check of share links: limited attempts, and a cookie after success."""

from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from analysis.models import ShareLink
from analysis.sharing import share_links
from analysis.web.attempt_limits import Attempts

MAX_ATTEMPTS = 10
"""Wrong passwords per link and network within ATTEMPT_SECONDS; five times as many from everywhere."""
ATTEMPT_SECONDS = 15 * 60
UNLOCKED_SECONDS = 24 * 60 * 60
COOKIE, SALT = "share", "share link"


class PasswordAttempts(Attempts):
    def __init__(self, request: HttpRequest, link: ShareLink) -> None:
        super().__init__(
            "share-link",
            request,
            account=str(link.pk),
            maximum=MAX_ATTEMPTS,
            total=MAX_ATTEMPTS * 5,
            seconds=ATTEMPT_SECONDS,
        )


def is_unlocked(request: HttpRequest, link: ShareLink) -> bool:
    """True if the link has no password, or the cookie proves that it was entered."""
    if not link.password:
        return True
    try:
        # The cookie's path is the link's, but programs may send any cookie anywhere, so the value names the link, too.
        key = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=UNLOCKED_SECONDS)
    except signing.BadSignature:
        return False
    return bool(key == _key(link))


def seconds_to_wait(request: HttpRequest, link: ShareLink) -> int:
    """Seconds until the next attempt; 0 if a password may be tried now."""
    return PasswordAttempts(request, link).seconds_to_wait()


def is_right_password(request: HttpRequest, link: ShareLink, text: str) -> bool:
    """True for the right password; a wrong one counts as an attempt."""
    if share_links.is_password_of(link, text):
        PasswordAttempts(request, link).reset()
        return True
    PasswordAttempts(request, link).count()
    return False


def unlock(response: HttpResponse, link: ShareLink) -> None:
    response.set_cookie(
        COOKIE,
        signing.dumps(_key(link), salt=SALT),
        max_age=UNLOCKED_SECONDS,
        path=link.get_absolute_url(),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _key(link: ShareLink) -> str:
    """The cookie's value for a link; changes with the password."""
    return f"{link.pk}-{sha256(link.password.encode()).hexdigest()[:16]}"
