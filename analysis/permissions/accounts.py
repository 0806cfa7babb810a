"""Access rules about accounts: viewing, inviting, changing and deactivating.

Users can never raise their own role or give more permissions than they have.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F

from analysis import permissions
from analysis.permissions import AnyUser
from imagelib.accounts.models import User
from imagelib.accounts.roles import INVITED, Role


def can_view_people(user: AnyUser) -> bool:
    """Staff who see the list of people, as in the administration."""
    return any(_is_staff_with(user, name) for name in ("view_user", "add_user", "change_user"))


def can_invite_people(user: AnyUser) -> bool:
    return _is_staff_with(user, "add_user")


def can_change_people(user: AnyUser) -> bool:
    """Staff who change roles and deactivate accounts, see `can_change_person`."""
    return _is_staff_with(user, "change_user")


def can_change_person(user: AnyUser, other: User) -> bool:
    """True for accounts that the user may change, never their own.

    So no user can raise their own role, and the last administrator stays one.
    """
    return can_change_people(user) and other.pk != user.pk and permissions.can_edit_user(user, other)


def can_transfer_images_of(user: AnyUser, other: User) -> bool:
    """Staff who may transfer another person's pictures."""
    return can_view_people(user) and other.pk != user.pk and permissions.can_edit_all_images(user)


def can_assign_role(user: AnyUser, role: Role) -> bool:
    """Only superusers make others staff.

    Other users can only give a role whose permissions they have themselves.
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    if user.is_superuser:
        return True
    allowed = {
        Role.VIEWER: True,
        Role.CURATOR: permissions.is_curator(user),
        Role.OWNER: permissions.can_upload_images(user),
    }
    return allowed.get(role, False)


def assignable_roles(user: AnyUser) -> list[Role]:
    return [role for role in Role if can_assign_role(user, role)]


def invitable_roles(user: AnyUser) -> list[Role]:
    """Roles for which the user can send an invitation."""
    return [role for role in INVITED if can_assign_role(user, role)]


def is_last_superuser(user: User) -> bool:
    """True for the only active superuser, whom the installation needs."""
    return user.is_superuser and user.is_active and not leaves_superuser([user])


def leaves_superuser(removed: Iterable[User]) -> bool:
    """True if there is an active superuser besides these people."""
    active = User.objects.filter(is_superuser=True, is_active=True)
    return active.exclude(pk__in=[person.pk for person in removed]).exists()


def administrators() -> list[str]:
    """Names of up to three people to ask for access, the latest signed in first."""
    active = User.objects.filter(is_superuser=True, is_active=True).order_by(
        F("last_login").desc(nulls_last=True), "pk"
    )
    return [person.get_full_name() or person.get_username() for person in active[:3]]


def _is_staff_with(user: AnyUser, codename: str) -> bool:
    return isinstance(user, User) and permissions.is_staff(user) and user.has_perm(f"accounts.{codename}")
