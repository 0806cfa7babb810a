"""Limits on failed sign-ins by password, code, passkey or single sign-on."""

from __future__ import annotations

import logging
from math import ceil
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from analysis.web.attempt_limits import Attempts

THROTTLED = "throttled"
TOTAL_FACTOR = 5
"""Limit for an account from all networks, and for a network over all accounts, in multiples of SIGN_IN_ATTEMPTS."""

logger = logging.getLogger(__name__)


class SignInAttempts(Attempts):
    """Failures within SIGN_IN_MINUTES, counted for each sign-in method by name."""

    def __init__(self, name: str, request: HttpRequest, account: str) -> None:
        super().__init__(
            name,
            request,
            account=account,
            maximum=settings.SIGN_IN_ATTEMPTS,
            total=settings.SIGN_IN_ATTEMPTS * TOTAL_FACTOR,
            seconds=settings.SIGN_IN_MINUTES * 60,
        )

    def refuse(self, form: ThrottledForm) -> None:
        """Raise ValidationError after too many failures, and set the form's wait."""
        form.wait = self.seconds_to_wait()
        if form.wait:
            logger.warning(
                "%s refused from %s: too many failed attempts.", self._title, self.address or "a local socket"
            )
            raise ValidationError(too_many_attempts(form.wait), code=THROTTLED)


class ThrottledForm(forms.Form):
    """Mixin for forms with limited attempts; `wait` is in seconds."""

    wait = 0


class ThrottledView:
    """Mixin for views: status 429 instead of 200 if the form's limit was reached."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        return with_wait(response, getattr(form, "wait", 0))


def with_wait(response: HttpResponse, seconds: int) -> HttpResponse:
    if seconds:
        response.status_code = 429
        response["Retry-After"] = str(seconds)
    return response


def too_many_attempts(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    return ngettext(
        "Too many failed sign-in attempts. Try again in %(minutes)s minute.",
        "Too many failed sign-in attempts. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}
