"""Sign-in page, also for the administration."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.forms import LoginForm
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from analysis import permissions
from analysis.health import welcome_page
from analysis.permissions import accounts as rights
from imagelib.accounts.sign_in_limits import SignInAttempts, ThrottledForm, ThrottledView

logger = logging.getLogger(__name__)


class SignInForm(ThrottledForm, LoginForm):
    """Username and password, with a limit on failed attempts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"] = self.fields.pop("login")

    def clean(self) -> Any:
        if self.errors:  # without a password there was no attempt, failed or not
            return self.cleaned_data
        self.cleaned_data["login"] = self.cleaned_data["username"]
        attempts = SignInAttempts("sign-in", self.request or HttpRequest(), self.cleaned_data["username"])
        # Before the password is checked, since its hash takes a tenth of a second of CPU time by design.
        attempts.refuse(self)
        try:
            cleaned = super().clean()
        except ValidationError:
            logger.info("Sign-in failed from %s.", attempts.address or "a local socket")
            attempts.count()
            raise
        attempts.reset()
        return cleaned


class SignIn(ThrottledView, LoginView):
    template_name = "account/login.html"
    first_url = ""

    def form_valid(self, form: SignInForm) -> HttpResponse:
        """Redirect the administrator of an empty installation to the first steps.

        Unless the sign-in was on the way to another page.
        """
        is_start = self.get_success_url() in {None, "", reverse("library")}
        is_first = form.user.last_login is None  # before super() sets it
        if is_start and is_first and form.user.is_superuser and welcome_page.offers_welcome_first():
            self.first_url = reverse("welcome")
        response: HttpResponse = super().form_valid(form)
        return response

    def get_success_url(self) -> str | None:
        return self.first_url or super().get_success_url()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            "next": self.request.POST.get("next") or self.request.GET.get("next") or "",
            "oidc_name": settings.OIDC_NAME if settings.OIDC_CLIENT_ID else "",
            "refused_proxy_user": getattr(self.request, "refused_proxy_user", ""),
        }
        return dict(super().get_context_data(**kwargs)) | context


@login_not_required
@require_POST
def cancel_sign_in(request: HttpRequest) -> HttpResponse:
    """Cancel a sign-in that waits for its second step."""
    if not request.user.is_authenticated:
        request.session.flush()
    return redirect("login")


@login_not_required
@require_safe
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign-in to the administration, by the sign-in page that all users have.

    Signed-in users without access read why. Django's form would ask them to sign in again.
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
    """True for users with any permission in the admin, which is empty without one."""
    return permissions.can_open_admin(request.user)
