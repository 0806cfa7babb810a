"""Invitation pages: send, revoke and accept an invitation."""

from __future__ import annotations

import logging
from math import ceil
from typing import cast

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from analysis import formatting
from analysis.permissions import accounts as rights
from analysis.permissions import require_or_404
from analysis.web import toasts
from analysis.web.attempt_limits import Attempts
from analysis.web.http import Request, current_user
from analysis.web.toasts import Toast
from imagelib.accounts import invitations, mail
from imagelib.accounts.invitation_forms import AcceptForm, InviteForm, role_lines
from imagelib.accounts.invitations import InvitationUnusable, State
from imagelib.accounts.models import Invitation, User
from imagelib.accounts.roles import Role

TOTAL_FACTOR = 5
"""Unknown links that a network may open, as a multiple of SIGN_IN_ATTEMPTS; the same as for failed sign-ins."""

logger = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: Request) -> HttpResponse:
    """Invite a person; only the response to this form shows the link."""
    require_or_404(rights.can_invite_people(request.user))
    form = InviteForm(request.POST or None, roles=rights.invitable_roles(request.user))
    if not form.is_valid():
        return _invite_page(request, form)
    values = form.cleaned_data
    sender = cast(User, current_user(request))
    try:
        invitation, token = invitations.create(
            name=values["name"], email=values["email"], role=Role(values["role"]), by=sender
        )
    except IntegrityError:  # someone invited the same address at the same moment
        form.add_error("email", form.invited_already())
        return _invite_page(request, form)
    return _link_page(request, invitation, token)


@require_POST
def resend(request: Request, invitation_id: int) -> HttpResponse:
    """Create a new link and mail it if possible; the previous one stops working."""
    invitation = _invitation_or_404(request, invitation_id)
    token = invitations.renew(invitation, by=cast(User, current_user(request)))
    if token is None:
        toasts.add_toast(request, Toast(_("This invitation has already been accepted or withdrawn.")))
        return redirect("people")
    invitation.refresh_from_db()
    return _link_page(request, invitation, token)


@require_POST
def revoke(request: Request, invitation_id: int) -> HttpResponse:
    invitation = _invitation_or_404(request, invitation_id)
    text = _("Withdrew the invitation for %(name)s. Its link no longer works.")
    if not invitations.revoke(invitation, by=cast(User, current_user(request))):
        text = _("The invitation for %(name)s has already been accepted or withdrawn.")
    toasts.add_toast(request, Toast(text % {"name": invitation.name}))
    return redirect("people")


@sensitive_post_parameters()
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Choose username and password; afterwards the user is signed in."""
    attempts = _attempts(request, token)
    if wait := attempts.seconds_to_wait():
        logger.warning("Invitation refused from %s: too many unknown links.", attempts.address or "a local socket")
        return _too_many(request, wait)
    invitation = invitations.find(token)
    if invitation is None:
        attempts.count()
        return _unusable_page(request, None)
    if invitations.state_of(invitation) is not State.OPEN:
        return _unusable_page(request, invitation)
    if request.user.is_authenticated:
        return render(request, "account/invitation_signed_in.html", {"invitation": invitation})
    return _accept(request, invitation)


def _accept(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = AcceptForm(request.POST or None, invitation=invitation)
    if form.is_valid():
        try:
            invitations.accept(invitation, form.save(commit=False))
        except InvitationUnusable:
            invitation.refresh_from_db()
            return _unusable_page(request, invitation)
        except IntegrityError:  # someone took the name between the check and the insert
            form.add_error("username", _("This username was just taken. Choose another."))
        else:
            return _sign_in(request, form)
    context = {"form": form, "invitation": invitation}
    return render(request, "account/invitation.html", context, status=422 if form.is_bound else 200)


def _sign_in(request: HttpRequest, form: AcceptForm) -> HttpResponse:
    values = form.cleaned_data
    # By password, not by the new row, so that every authentication backend can refuse.
    account = authenticate(request, username=values["username"], password=values["password1"])
    if account is None:
        return redirect("login")
    login(request, account)
    text = _("Welcome, %(name)s. Your username is %(username)s.")
    names = {"name": account.get_full_name() or account.get_username(), "username": account.get_username()}
    toasts.add_toast(cast(Request, request), Toast(text % names))
    return redirect("library")


def _invite_page(request: Request, form: InviteForm) -> HttpResponse:
    context = {"form": form, "roles": role_lines(form), "can_send": mail.can_send()}
    return render(request, "people/invite.html", context, status=422 if form.is_bound else 200)


def _link_page(request: Request, invitation: Invitation, token: str) -> HttpResponse:
    """The page with the link, which tells if it was mailed.

    Rendered without a redirect, since the link must not be stored anywhere, not even in the session.
    """
    link = request.build_absolute_uri(reverse("invitation", args=[token]))
    context = {
        "invitation": invitation,
        "link": link,
        "expires": formatting.day(invitation.expires_at),
        "can_send": mail.can_send(),
        "mail_error": _send(invitation, link),
    }
    return render(request, "people/invited.html", context)


def _send(invitation: Invitation, link: str) -> str:
    """Mail the link; returns the mail server's error, if there was one."""
    if not (invitation.email and mail.can_send()):
        return ""
    try:
        mail.send_invitation(invitation, link=link)
    except mail.MailFailed as error:
        logger.warning("The mail of an invitation was not sent: %s", error)
        return str(error) or _("unknown error")
    return ""


def _invitation_or_404(request: Request, invitation_id: int) -> Invitation:
    """The invitation, open or just ended, if the user may assign its role."""
    require_or_404(rights.can_invite_people(request.user))
    invitation = get_object_or_404(Invitation, pk=invitation_id)
    require_or_404(rights.can_assign_role(request.user, Role(invitation.role)))
    return invitation


def _unusable_page(request: HttpRequest, invitation: Invitation | None) -> HttpResponse:
    sender = invitation.invited_by if invitation else None
    context = {
        "state": invitations.state_of(invitation).value if invitation else "unknown",
        "sender": sender.get_full_name() or sender.get_username() if sender else "",
        "expired_on": formatting.day(invitation.expires_at) if invitation else "",
    }
    return render(request, "account/invitation_unusable.html", context, status=410 if invitation else 404)


def _attempts(request: HttpRequest, token: str) -> Attempts:
    maximum = settings.SIGN_IN_ATTEMPTS
    seconds = settings.SIGN_IN_MINUTES * 60
    return Attempts(
        "invitation", request, account=token, maximum=maximum, total=maximum * TOTAL_FACTOR, seconds=seconds
    )


def _too_many(request: HttpRequest, wait: int) -> HttpResponse:
    minutes = ceil(wait / 60)
    text = ngettext(
        "Too many invalid links were opened from your network. Try again in %(number)s minute.",
        "Too many invalid links were opened from your network. Try again in %(number)s minutes.",
        minutes,
    )
    context = {"state": "wait", "wait": formatting.plural(text, minutes)}
    response = render(request, "account/invitation_unusable.html", context, status=429)
    response["Retry-After"] = str(wait)
    return response
