"""Single sign-on pages: redirect to the provider, callback, and connecting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.views import ConnectionsView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from imagelib.accounts.oidc import problems
from imagelib.accounts.oidc.provider import PROVIDER_ID, OidcClient

CONNECT_SALT = "connect single sign-on"
CONNECT_SECONDS = 3600
UNEXPECTED = (RequestException, OAuth2Error, KeyError, TypeError, ValueError)
"""Errors if a provider is down, or responds with something other than OpenID Connect."""


def _may_connect(request: HttpRequest) -> bool:
    """True with the token from the user's own account page."""
    try:
        user_id = signing.loads(request.GET.get("token", ""), salt=CONNECT_SALT, max_age=CONNECT_SECONDS)
    except signing.BadSignature:
        return False
    return bool(request.user.is_authenticated and user_id == request.user.pk)


@login_not_required
@never_cache
@require_safe
@reauthentication_required(app="allauth.socialaccount", enabled=_may_connect)  # type: ignore[untyped-decorator]
def sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to the provider; with `process=connect` and a token, to connect it."""
    process = request.GET.get("process", "login")
    if process not in {"login", "connect"}:
        raise Http404
    if process == "connect" and not _may_connect(request):
        return redirect("socialaccount_connections")
    return _by_provider(request, OAuth2LoginView.adapter_view)


@login_not_required
@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    return _by_provider(request, OAuth2CallbackView.adapter_view)


class Connections(ConnectionsView):
    """Page of the connected provider, with a link to connect it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.OIDC_CLIENT_ID:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            "name": settings.OIDC_NAME,
            "connected": SocialAccount.objects.filter(user_id=self.request.user.pk, provider=PROVIDER_ID).first(),
            # A link, since the CSP's form-action forbids forms to other sites; its token replaces the CSRF token.
            "token": signing.dumps(self.request.user.pk, salt=CONNECT_SALT),
        }
        return dict(super().get_context_data(**kwargs)) | context


def _by_provider(request: HttpRequest, view_of: Callable[[Any], Callable[[HttpRequest], HttpResponse]]) -> HttpResponse:
    if not settings.OIDC_CLIENT_ID:
        raise Http404
    attempts = problems.attempts_of(request)
    if wait := attempts.seconds_to_wait():
        return problems.wait_page(request, wait)
    try:
        response = view_of(OidcClient(request, PROVIDER_ID))(request)
    except UNEXPECTED as error:
        problem = problems.unavailable() if isinstance(error, RequestException) else problems.invalid_response()
        return problems.page(request, problem, cause=f"{type(error).__name__}: {error}")
    if request.user.is_authenticated:
        attempts.reset()
    return response


urlpatterns = [
    path("accounts/oidc/login/", sign_in, name="oidc-login"),
    path("accounts/oidc/callback/", callback, name="oidc-callback"),
    path("account/connections/", Connections.as_view(), name="socialaccount_connections"),
]
