"""Sign-in with a limit on failed attempts, counted in Redis."""

from __future__ import annotations

import logging
from math import ceil
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from analysis import permissions
from analysis.health import installation
from analysis.permissions import accounts as rights
from analysis.web.attempts import Attempts

THROTTLED = "throttled"
TOTAL_FACTOR = 5
"""Limit of an account from all networks, and of a network for all accounts, as a multiple of SIGN_IN_ATTEMPTS."""

logger = logging.getLogger(__name__)


class SignInAttempts(Attempts):
    """Failed sign-ins within the last SIGN_IN_MINUTES."""

    def __init__(self, request: HttpRequest, username: str) -> None:
        super().__init__(
            "sign-in",
            request,
            account=username,
            maximum=settings.SIGN_IN_ATTEMPTS,
            total=settings.SIGN_IN_ATTEMPTS * TOTAL_FACTOR,
            seconds=settings.SIGN_IN_MINUTES * 60,
        )


class Throttled(forms.Form):
    """Mixin of sign-in forms: refuses to check passwords after too many failures."""

    request: HttpRequest | None
    wait = 0

    def clean(self) -> Any:
        username = str(self.cleaned_data.get("username") or "")
        attempts = SignInAttempts(self.request or HttpRequest(), username)
        self.wait = attempts.seconds_to_wait()
        # Before the password is checked: its hash takes a tenth of a second of processor time by design.
        if self.wait:
            logger.warning("Sign-in refused from %s: too many failed attempts.", attempts.address or "a local socket")
            raise ValidationError(_too_many_attempts(self.wait), code=THROTTLED)
        try:
            cleaned = super().clean()
        except ValidationError:
            logger.info("Sign-in failed from %s.", attempts.address or "a local socket")
            attempts.count()
            raise
        attempts.forget()
        return cleaned


class SignInForm(Throttled, AuthenticationForm):
    pass


class SignIn(views.LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        is_first = form.get_user().last_login is None  # set by signing in
        response = super().form_valid(form)
        return redirect("welcome") if is_first and self._leads_to_welcome() else response

    def _leads_to_welcome(self) -> bool:
        """True for an administrator of an empty installation.

        Not on the way to another page.
        """
        is_start = self.get_redirect_url() in {"", reverse("library")}
        return bool(is_start and self.request.user.is_superuser and installation.offers_welcome_first())

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.wait:
            # Django's view answers 200 for any failed sign-in, which tells scripts and proxies nothing.
            response.status_code = 429
            response["Retry-After"] = str(form.wait)
        return response


@login_not_required
@require_safe
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Way into the administration: by the one sign-in page, for those who may.

    Others read why not. A sign-in form would ask them for what they have entered already.
    """
    target = request.GET.get("next", "")
    if not (target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)):
        target = reverse("admin:index")
    if not request.user.is_authenticated:
        return redirect_to_login(target)
    if permissions.can_open_admin(request.user):
        return redirect(target)
    context = {"administrators": rights.administrators(), "is_staff": permissions.is_staff(request.user)}
    return render(request, "admin_refused.html", context, status=403)


def can_open_admin(request: HttpRequest) -> bool:
    """Of the admin's site: without any permission its pages would be empty."""
    return permissions.can_open_admin(request.user)


def _too_many_attempts(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    return ngettext(
        "Too many failed sign-in attempts. Try again in %(minutes)s minute.",
        "Too many failed sign-in attempts. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}
