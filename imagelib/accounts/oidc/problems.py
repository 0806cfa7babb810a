"""Failures of single sign-on: a page with the cause and what to do."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from requests import RequestException

from analysis.web.http import client_address
from imagelib.accounts.sign_in_limits import SignInAttempts, too_many_attempts, with_wait

MAX_DETAIL = 200
CLOCK_ERRORS = (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    title: str
    text: str
    status: int
    can_retry: bool = True


def attempts_of(request: HttpRequest) -> SignInAttempts:
    return SignInAttempts("single sign-on", request, client_address(request))


def page(request: HttpRequest, problem: Problem, *, cause: object = None) -> HttpResponse:
    """Count a failed attempt, log the cause for staff, and show the page."""
    attempts = attempts_of(request)
    attempts.count()
    logger.warning("Single sign-on failed (%s): %s", problem.title, str(cause or "")[:MAX_DETAIL])
    return _render(request, problem)


def wait_page(request: HttpRequest, seconds: int) -> HttpResponse:
    problem = Problem(_("Too many attempts"), too_many_attempts(seconds), 429, can_retry=False)
    return with_wait(_render(request, problem), seconds)


def unavailable() -> Problem:
    text = _("%(name)s can't be reached at the moment. Try again in a few minutes, or sign in with your password.")
    return Problem(_("Sign-in service not available"), text % {"name": settings.OIDC_NAME}, 503)


def cancelled() -> Problem:
    text = _("You canceled it at %(name)s, or don't have access to this library there.")
    return Problem(_("Sign-in canceled"), text % {"name": settings.OIDC_NAME}, 403)


def out_of_date() -> Problem:
    text = _("It was started too long ago, or in another window. Start again.")
    return Problem(_("Sign-in expired"), text, 400)


def refused_by_provider(error: str) -> Problem:
    text = _("%(name)s returned an error: %(error)s. Try again; if it keeps happening, tell an administrator.")
    return Problem(_("Sign-in failed"), text % {"name": settings.OIDC_NAME, "error": error[:MAX_DETAIL]}, 502)


def clocks_differ() -> Problem:
    text = _(
        "The clocks of %(name)s and of this server differ too much: here it's %(time)s. Tell an administrator to"
        " correct the wrong one."
    )
    values = {"name": settings.OIDC_NAME, "time": date_format(localtime(now()), "TIME_FORMAT")}
    return Problem(_("Sign-in failed"), text % values, 502)


def invalid_response() -> Problem:
    text = _("%(name)s sent an invalid response. An administrator can find the reason in the log.")
    return Problem(_("Sign-in failed"), text % {"name": settings.OIDC_NAME}, 502)


def of(error: object, request: HttpRequest) -> Problem:
    """The problem behind an error that allauth reports."""
    if isinstance(error, RequestException):
        return unavailable()
    if isinstance(error, BaseException) and isinstance(error.__cause__, CLOCK_ERRORS):
        return clocks_differ()
    if error is not None:
        return invalid_response()
    provider_error: Any = request.GET.get("error_description") or request.GET.get("error")
    return refused_by_provider(provider_error) if provider_error else out_of_date()


def _render(request: HttpRequest, problem: Problem) -> HttpResponse:
    return render(request, "socialaccount/problem.html", {"problem": problem}, status=problem.status)
