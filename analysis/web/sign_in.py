"""Sign-in with a limit on failed attempts, counted in Redis."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from functools import cache
from math import ceil
from typing import Any

import redis
from django import forms
from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext
from unfold.forms import AuthenticationForm as UnfoldAuthenticationForm

from analysis.web.http import client_address

THROTTLED = "throttled"
TOTAL_FACTOR = 5
"""Limit of an account from all networks, and of a network for all accounts, as a multiple of SIGN_IN_ATTEMPTS."""

logger = logging.getLogger(__name__)


class Attempts:
    """Failed attempts of an account and a network within the last SIGN_IN_MINUTES."""

    def __init__(self, request: HttpRequest, username: str) -> None:
        self.address = client_address(request)
        # By account and network: by account alone, a stranger could lock out everybody whose name they know; by network
        # alone, a botnet has as many attempts as it has addresses.
        account, network = _digest(username.casefold()), _network(self.address)
        maximum = settings.SIGN_IN_ATTEMPTS
        self._limits = {f"sign-in:{account}:{network}": maximum, f"sign-in:{account}": maximum * TOTAL_FACTOR}
        if network:
            self._limits[f"sign-in:from:{network}"] = maximum * TOTAL_FACTOR

    def seconds_to_wait(self) -> int:
        """0 if another attempt is allowed, or if Redis is not available."""
        if not settings.SIGN_IN_ATTEMPTS:
            return 0
        try:
            counts = [(key, int(number or 0)) for key, number in zip(self._limits, self._counts(), strict=True)]
            waits = [_redis().ttl(key) for key, number in counts if number >= self._limits[key]]
        except redis.RedisError as error:
            logger.warning("Sign-in attempts are not limited, because Redis is not available: %s", error)
            return 0
        return max((max(int(wait), 1) for wait in waits), default=0)

    def count_failure(self) -> None:
        try:
            with _redis().pipeline() as pipeline:
                for key in self._limits:
                    # INCR alone sets no expiry, and EXPIRE after it would extend the wait with each attempt.
                    pipeline.set(key, 0, ex=settings.SIGN_IN_MINUTES * 60, nx=True)
                    pipeline.incr(key)
                pipeline.execute()
        except redis.RedisError as error:
            logger.warning("Failed sign-in not counted, because Redis is not available: %s", error)

    def forget(self) -> None:
        """Reset the count of this account from this network, after a success."""
        # The totals stay: else signing in with an own account would allow endless attempts on others.
        try:
            _redis().delete(next(iter(self._limits)))
        except redis.RedisError as error:
            logger.warning("Failed sign-ins not reset, because Redis is not available: %s", error)

    def _counts(self) -> list[Any]:
        return _redis().mget(list(self._limits))


class Throttled(forms.Form):
    """Mixin of sign-in forms: refuses to check passwords after too many failures."""

    request: HttpRequest | None
    wait = 0

    def clean(self) -> Any:
        username = str(self.cleaned_data.get("username") or "")
        attempts = Attempts(self.request or HttpRequest(), username)
        self.wait = attempts.seconds_to_wait()
        # Before the password is checked: its hash takes a tenth of a second of processor time by design.
        if self.wait:
            logger.warning("Sign-in refused from %s: too many failed attempts.", attempts.address or "a local socket")
            raise ValidationError(_too_many_attempts(self.wait), code=THROTTLED)
        try:
            cleaned = super().clean()
        except ValidationError:
            logger.info("Sign-in failed from %s.", attempts.address or "a local socket")
            attempts.count_failure()
            raise
        attempts.forget()
        return cleaned


class SignInForm(Throttled, AuthenticationForm):
    pass


class AdminSignInForm(Throttled, UnfoldAuthenticationForm):
    pass


class SignIn(views.LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.wait:
            # Django's view answers 200 for any failed sign-in, which tells scripts and proxies nothing.
            response.status_code = 429
            response["Retry-After"] = str(form.wait)
        return response


def _too_many_attempts(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    return ngettext(
        "Too many failed sign-in attempts. Try again in %(minutes)s minute.",
        "Too many failed sign-in attempts. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}


def _digest(text: str) -> str:
    """Keyed hash: a username may be a password typed into the wrong field."""
    return hashlib.sha256(f"{settings.SECRET_KEY}{text}".encode()).hexdigest()[:32]


def _network(address: str) -> str:
    """Network of a client: an IPv6 customer has at least a /64 of addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False))


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS, socket_timeout=1, socket_connect_timeout=1)
