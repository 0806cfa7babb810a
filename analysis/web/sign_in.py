"""Signing in, with a limit to failed attempts by account and by address; counted in Redis, shared by all processes."""

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
MANY = 5
"""An account from all addresses, and an address for all accounts, may fail so many times as often as one for one."""

logger = logging.getLogger(__name__)


class Attempts:
    """Failed attempts of one request's account and address, within the last SIGN_IN_MINUTES."""

    def __init__(self, request: HttpRequest, username: str) -> None:
        self.address = client_address(request)
        account, place = _digest(username.casefold()), _network(self.address)
        maximum = settings.SIGN_IN_ATTEMPTS
        self._limits = {f"sign-in:{account}:{place}": maximum, f"sign-in:{account}": maximum * MANY}
        if place:
            self._limits[f"sign-in:from:{place}"] = maximum * MANY

    def seconds_to_wait(self) -> int:
        """0 where one may try. Where Redis does not answer nobody is kept out."""
        if not settings.SIGN_IN_ATTEMPTS:
            return 0
        try:
            counted = [(key, int(number or 0)) for key, number in zip(self._limits, self._numbers(), strict=True)]
            waits = [_redis().ttl(key) for key, number in counted if number >= self._limits[key]]
        except redis.RedisError as error:
            logger.warning("Sign-in attempts are not limited: Redis does not answer: %s", error)
            return 0
        return max((max(int(wait), 1) for wait in waits), default=0)

    def count_failure(self) -> None:
        try:
            with _redis().pipeline() as pipeline:
                for key in self._limits:
                    pipeline.set(key, 0, ex=settings.SIGN_IN_MINUTES * 60, nx=True)
                    pipeline.incr(key)
                pipeline.execute()
        except redis.RedisError as error:
            logger.warning("A failed sign-in was not counted: Redis does not answer: %s", error)

    def forget(self) -> None:
        """After success: of this account from this address only."""
        try:
            _redis().delete(next(iter(self._limits)))
        except redis.RedisError as error:
            logger.warning("Failed sign-ins were not forgotten: Redis does not answer: %s", error)

    def _numbers(self) -> list[Any]:
        return _redis().mget(list(self._limits))


class Throttled(forms.Form):
    """Mixed into the forms that sign in: theirs are not asked while there were too many failed attempts."""

    request: HttpRequest | None
    wait = 0

    def clean(self) -> Any:
        username = str(self.cleaned_data.get("username") or "")
        attempts = Attempts(self.request or HttpRequest(), username)
        self.wait = attempts.seconds_to_wait()
        if self.wait:
            logger.warning("Sign-in refused from %s: too many failed attempts.", attempts.address or "a local socket")
            raise ValidationError(too_many(self.wait), code=THROTTLED)
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


class AdminSignInForm(Throttled, UnfoldAuthenticationForm):  # type: ignore[misc] # unfold has no types
    pass


class SignIn(views.LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.wait:
            answer.status_code = 429
            answer["Retry-After"] = str(form.wait)
        return answer


def too_many(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    return ngettext(
        "Too many failed attempts to sign in. Try again in %(minutes)s minute.",
        "Too many failed attempts to sign in. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}


def _digest(text: str) -> str:
    """Names are not kept in Redis: some are passwords in the wrong field."""
    return hashlib.sha256(f"{settings.SECRET_KEY}{text}".encode()).hexdigest()[:32]


def _network(address: str) -> str:
    """An IPv6 customer has at least a /64 of addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False))


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS, socket_timeout=1, socket_connect_timeout=1)
