"""allauth's social adapter: finds or creates the account of a provider's user."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis import audit_log
from analysis.models import AuditEntry
from imagelib.accounts import email_addresses, invitations, user_management
from imagelib.accounts.invitations import InvitationUnusable
from imagelib.accounts.models import User
from imagelib.accounts.oidc import problems
from imagelib.accounts.oidc.problems import Problem
from imagelib.accounts.oidc.provider import PROVIDER_ID, claims_of
from imagelib.accounts.roles import Role


class OidcAdapter(DefaultSocialAccountAdapter):
    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "no_password": gettext_lazy("Set a password first. Without one, you couldn't sign in any longer."),
    }

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The provider in the settings; allauth's rows in the database are ignored."""
        if not settings.OIDC_CLIENT_ID or provider not in {None, PROVIDER_ID, "openid_connect"}:
            return []
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=PROVIDER_ID,
                name=settings.OIDC_NAME,
                client_id=settings.OIDC_CLIENT_ID,
                secret=settings.OIDC_CLIENT_SECRET,
                settings={"server_url": settings.OIDC_SERVER_URL},
            )
        ]

    def new_user(self, request: HttpRequest, sociallogin: SocialLogin) -> User:
        """A user with plain values, which a session can store during confirmation."""
        return User(language="", has_generated_password=False)

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        """The account with the provider's email address, if verified on both sides."""
        email = _verified_email(sociallogin)
        account = email_addresses.account_of(email) if email else None
        return (account, email) if account else None

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """True for invited people or, by a setting, for all; others see the reason."""
        problem = _reason_against(sociallogin)
        if problem is not None:
            raise ImmediateHttpResponse(problems.page(request, problem, cause=problem.text))
        return True

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        try:
            return _create_account(request, sociallogin)
        except (InvitationUnusable, IntegrityError) as error:  # a parallel sign-in was faster
            raise ImmediateHttpResponse(problems.page(request, problems.out_of_date(), cause=error)) from error

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        problem = problems.cancelled() if error == AuthError.CANCELLED else problems.of(exception, request)
        raise ImmediateHttpResponse(problems.page(request, problem, cause=exception or request.GET.get("error")))

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("socialaccount_connections")


@transaction.atomic
def _create_account(request: HttpRequest, sociallogin: SocialLogin) -> User:
    claims = claims_of(sociallogin.account.extra_data)
    email, name = _verified_email(sociallogin), str(claims.get("name") or "")[:150]
    invitation = invitations.open_invitation_of(email)
    source = str(claims.get("preferred_username") or "")
    username = invitations.free_username(source, email, name) or f"person-{token_hex(4)}"
    user = User(username=username, email=email, first_name=name)
    user.set_unusable_password()
    if invitation is not None:
        invitations.accept(invitation, user)
    else:
        user.save()
        user_management.set_role(user, Role(settings.OIDC_ROLE))
        audit_log.record(AuditEntry.Action.ADD, user, by_id=None, details={"source": settings.OIDC_NAME})
    sociallogin.user = user
    sociallogin.save(request, connect=True)  # connect=True: without allauth's own rows of addresses
    email_addresses.mark_verified(user)
    return user


def _reason_against(sociallogin: SocialLogin) -> Problem | None:
    """The problem with creating an account; None if it may be created."""
    name, title = settings.OIDC_NAME, _("You can't sign in this way yet")
    email = _verified_email(sociallogin)
    if not email:
        text = _(
            "%(name)s didn't provide a verified email address for you. Ask an administrator, or sign in with your"
            " password."
        )
        return Problem(title, text % {"name": name}, 403)
    if User.objects.filter(email__iexact=email).exists():
        text = _(
            "An account here uses %(email)s, but you haven't verified that the address is yours. Sign in with your"
            " password and connect %(name)s on your account page, or reset your password by email once."
        )
        return Problem(title, text % {"email": email, "name": name}, 403)
    if invitations.open_invitation_of(email) is None and not settings.OIDC_NEW_ACCOUNTS:
        text = _("There is no account for %(email)s. Ask an administrator of this library for an invitation.")
        return Problem(title, text % {"email": email}, 403)
    return None


def _verified_email(sociallogin: SocialLogin) -> str:
    return next((address.email for address in sociallogin.email_addresses if address.verified), "")
