"""People pages: the list, and a user's role, access and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.curation.errors import ActionRefused
from analysis.models import Bucket, Image
from analysis.permissions import accounts as rights
from analysis.permissions import require_or_404
from analysis.web import toasts
from analysis.web.bulk.messages import change_toast
from analysis.web.http import Request, current_user, one_line
from analysis.web.links import with_parameters
from analysis.web.toasts import Toast
from imagelib.accounts import invitations, user_management
from imagelib.accounts.invitation_forms import RoleForm, role_lines
from imagelib.accounts.models import Invitation, User
from imagelib.accounts.roles import LINES, Role
from imagelib.accounts.two_step import reset as two_step

PAGE_SIZE = 50
MAX_INVITATIONS = 200
MAX_SUGGESTED = 200
MAX_SEARCH = 100
IMAGE_CAP = 100_000


@dataclass(frozen=True)
class PersonRow:
    id: int
    name: str
    username: str
    email: str
    role: str
    role_line: str
    last_active: str
    last_active_exact: str
    is_active: bool
    is_self: bool


@dataclass(frozen=True)
class InvitationRow:
    id: int
    name: str
    email: str
    role: str
    sender: str
    expires: str
    is_expired: bool
    can_change: bool


@require_safe
def people(request: Request) -> HttpResponse:
    """All users by username; the first page also lists open invitations."""
    require_or_404(rights.can_view_people(request.user))
    words, after = one_line(request.GET.get("q", ""))[:MAX_SEARCH], request.GET.get("after", "")[: MAX_SEARCH * 2]
    # PostgreSQL refuses texts with NUL.
    accounts = _accounts(words).filter(username__gt=after.replace("\x00", "")).order_by("username")
    page = list(accounts.prefetch_related("groups", "user_permissions")[: PAGE_SIZE + 1])
    more = (
        with_parameters(reverse("people"), q=words, after=page[PAGE_SIZE - 1].username) if len(page) > PAGE_SIZE else ""
    )
    context = {
        "rows": [_row(person, request) for person in page[:PAGE_SIZE]],
        "invitations": _invitation_rows(request) if not (words or after) else [],
        "query": words,
        "can_invite": rights.can_invite_people(request.user),
        "is_first": not after,
        "first_url": with_parameters(reverse("people"), q=words),
        "more_url": more,
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "people/index.html", context)


@require_safe
def person(request: Request, user_id: int) -> HttpResponse:
    return _person_page(request, _person_or_404(request, user_id))


@require_POST
def change_role(request: Request, user_id: int) -> HttpResponse:
    other = _changeable_or_404(request, user_id)
    form = RoleForm(request.POST, roles=rights.assignable_roles(request.user))
    if not form.is_valid():
        return _person_page(request, other, role_form=form)
    role = Role(form.cleaned_data["role"])
    try:
        user_management.change_role(other, role, by=_me(request))
        text = _("Changed the role of %(name)s to %(role)s.") % {"name": _name(other), "role": role.label}
    except ActionRefused as refusal:
        text = str(refusal)
    toasts.add_toast(request, Toast(text))
    return redirect("person", user_id)


@require_POST
def change_access(request: Request, user_id: int) -> HttpResponse:
    """Deactivate the account; with `active=1`, reactivate it."""
    other = _changeable_or_404(request, user_id)
    try:
        toast = _reactivate(request, other) if request.POST.get("active") == "1" else _deactivate(request, other)
    except ActionRefused as refusal:
        toast = Toast(str(refusal))
    toasts.add_toast(request, toast)
    return redirect("person", user_id)


@require_POST
def reset_two_step(request: Request, user_id: int) -> HttpResponse:
    """Turn off two-step sign-in for a user, for example after losing the phone."""
    other = _changeable_or_404(request, user_id)
    number = two_step.reset(other, by_id=_me(request).pk)
    text = _("%(name)s can now sign in with only a password.") if number else _("%(name)s has no two-step sign-in.")
    toasts.add_toast(request, Toast(text % {"name": _name(other)}))
    return redirect("person", user_id)


@require_POST
def transfer(request: Request, user_id: int) -> HttpResponse:
    """Transfer all pictures of a user to another."""
    other = _person_or_404(request, user_id)
    require_or_404(rights.can_transfer_images_of(request.user, other))
    username = _receiver(request)
    receiver = User.objects.filter(username=username, is_active=True).exclude(pk=other.pk).first()
    if receiver is None:
        error = _("There is no other active account with the username “%(name)s”.") % {"name": username}
        return _person_page(request, other, transfer_error=error)
    try:
        change = pipeline.transfer_images(other, receiver=receiver, by=_me(request))
        toast = change_toast(change)
    except ActionRefused as refusal:
        toast = Toast(str(refusal))
    toasts.add_toast(request, toast)
    return redirect("person", user_id)


def _receiver(request: Request) -> str:
    return one_line(request.POST.get("receiver", ""))


def _deactivate(request: Request, other: User) -> Toast:
    user_management.deactivate(other, by=_me(request))
    text = _("%(name)s can no longer sign in.") % {"name": _name(other)}
    return Toast(text, undo_url=reverse("person-access", args=[other.pk]), fields={"active": "1"})


def _reactivate(request: Request, other: User) -> Toast:
    user_management.reactivate(other, by=_me(request))
    return Toast(_("%(name)s can sign in again.") % {"name": _name(other)})


def _person_page(
    request: Request, other: User, *, role_form: RoleForm | None = None, transfer_error: str = ""
) -> HttpResponse:
    role = user_management.role_of(other)
    roles = rights.assignable_roles(request.user)
    form = role_form or RoleForm(initial={"role": role}, roles=roles)
    number = Image.objects.filter(owner=other, trashed_at=None)[: IMAGE_CAP + 1].count()
    can_transfer = number > 0 and rights.can_transfer_images_of(request.user, other)
    context = {
        "person": other,
        "row": _row(other, request),
        "joined": formatting.day(other.date_joined),
        "role": role,
        "form": form,
        "roles": role_lines(form),
        "can_change": rights.can_change_person(request.user, other),
        "pictures": formatting.pictures(number, cap=IMAGE_CAP) if number else "",
        "buckets": list(Bucket.objects.filter(owner=other).order_by("name")[:20]),
        "receivers": _receivers(other) if can_transfer else None,
        "receiver": _receiver(request) if transfer_error else request.user.get_username(),
        "transfer_error": transfer_error,
        "has_two_step": two_step.is_on(other),
        "can_open_admin": permissions.can_open_admin(request.user),
        "toasts": toasts.take_toasts(request),
    }
    failed = bool(transfer_error) or (role_form is not None)
    return render(request, "people/person.html", context, status=422 if failed else 200)


def _accounts(words: str) -> QuerySet[User]:
    """Users whose username, name or email address contains the words."""
    if not words:
        return User.objects.all()
    fields = ("username", "first_name", "last_name", "email")
    conditions = [Q(**{f"{field}__icontains": words}) for field in fields]
    return User.objects.filter(conditions[0] | conditions[1] | conditions[2] | conditions[3])


def _row(other: User, request: Request) -> PersonRow:
    role, last_active = user_management.role_of(other), _last_active(other)
    return PersonRow(
        id=other.pk,
        name=_name(other),
        username=other.get_username(),
        email=other.email,
        role=str(role.label) if role else _("Custom"),
        role_line=str(LINES[role]) if role else _("Groups and permissions were chosen in the admin site."),
        last_active=formatting.ago(last_active, now=now()) if last_active else _("never"),
        last_active_exact=formatting.exact(last_active) if last_active else "",
        is_active=other.is_active,
        is_self=other.pk == request.user.pk,
    )


def _invitation_rows(request: Request) -> list[InvitationRow]:
    waiting = invitations.open_invitations().select_related("invited_by").order_by("-pk")[:MAX_INVITATIONS]
    assignable = rights.assignable_roles(request.user)
    may_invite = rights.can_invite_people(request.user)
    return [_invitation_row(one, can_change=may_invite and Role(one.role) in assignable) for one in waiting]


def _invitation_row(invitation: Invitation, *, can_change: bool) -> InvitationRow:
    return InvitationRow(
        id=invitation.pk,
        name=invitation.name,
        email=invitation.email,
        role=str(Role(invitation.role).label),
        sender=_name(invitation.invited_by),
        expires=formatting.day(invitation.expires_at),
        is_expired=invitation.expires_at <= now(),
        can_change=can_change,
    )


def _receivers(other: User) -> list[str]:
    """Usernames that the field for the new owner suggests."""
    active = User.objects.filter(is_active=True).exclude(pk=other.pk).order_by("username")
    return list(active.values_list("username", flat=True)[:MAX_SUGGESTED])


def _person_or_404(request: Request, user_id: int) -> User:
    require_or_404(rights.can_view_people(request.user))
    return get_object_or_404(User, pk=user_id)


def _changeable_or_404(request: Request, user_id: int) -> User:
    other = _person_or_404(request, user_id)
    require_or_404(rights.can_change_person(request.user, other))
    return other


def _last_active(other: User) -> datetime | None:
    return max(filter(None, (other.last_seen_at, other.last_login)), default=None)


def _name(other: User) -> str:
    return other.get_full_name() or other.get_username()


def _me(request: Request) -> User:
    return cast(User, current_user(request))
