"""The password of a share link: limited attempts, and a cookie for who knows it."""

from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from analysis.models import ShareLink
from analysis.sharing import share_links
from analysis.web.attempts import Attempts

MAX_ATTEMPTS = 10
"""Wrong passwords for one link from one network, within ATTEMPT_SECONDS; five times as many from everywhere."""
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
    """True without a password, or with the cookie of who gave it."""
    if not link.password:
        return True
    try:
        # The cookie's path is the link's, but a program sends what it likes: the value names the link, too.
        key = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=UNLOCKED_SECONDS)
    except signing.BadSignature:
        return False
    return bool(key == _key(link))


def seconds_to_wait(request: HttpRequest, link: ShareLink) -> int:
    """0 if another password may be tried."""
    return PasswordAttempts(request, link).seconds_to_wait()


def is_right_password(request: HttpRequest, link: ShareLink, text: str) -> bool:
    """True for the password; wrong ones count."""
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
    """Another one once the password is changed."""
    return f"{link.pk}-{sha256(link.password.encode()).hexdigest()[:16]}"
