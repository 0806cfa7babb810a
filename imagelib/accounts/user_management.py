"""Changes of roles, and deactivation of accounts; callers check permission."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.translation import gettext as _

from analysis import audit_log
from analysis.curation.errors import ActionRefused
from analysis.models import AuditEntry
from analysis.permissions import accounts as rights
from imagelib.accounts import sessions
from imagelib.accounts.models import User
from imagelib.accounts.roles import PERMISSIONS, Role


def role_of(user: User) -> Role | None:
    """The user's role; None for other permissions, given in the administration.

    Two queries, unless `groups` and `user_permissions` are prefetched.
    """
    if user.is_superuser:
        return Role.ADMINISTRATOR
    groups = {group.name for group in user.groups.all()}
    if len(groups) > 1 or user.user_permissions.all():
        return None
    # Without any group, users can upload and edit their own pictures, as an owner can.
    name = next(iter(groups), Role.OWNER if not user.is_staff else "")
    role = Role(name) if name in PERMISSIONS else None
    return role if role is None or user.is_staff == (role is Role.STAFF) else None


def set_role(user: User, role: Role) -> None:
    """Set the role of a new account, replacing its groups and permissions."""
    user.is_superuser = role is Role.ADMINISTRATOR
    user.is_staff = role in {Role.STAFF, Role.ADMINISTRATOR}
    user.save(update_fields=["is_superuser", "is_staff"])
    # Replaced and not added to: the role that pages show must be all that the account may do.
    user.groups.set([_group(role)] if role in PERMISSIONS else [])
    user.user_permissions.clear()


@transaction.atomic
def change_role(user: User, role: Role, *, by: User) -> None:
    """Change the role and record it in the audit log. Raises ActionRefused."""
    person, actor = _lock(user, by=by)
    if not rights.can_assign_role(actor, role):
        raise ActionRefused(_("You can't assign this role, because it allows more than yours."))
    before = role_of(person)
    set_role(person, role)
    _record(person, by=actor, role=[str(before.label) if before else "", str(role.label)])


@transaction.atomic
def deactivate(user: User, *, by: User) -> None:
    """Block sign-in and sign the user out everywhere. Raises ActionRefused.

    Their pictures, labels and searches stay. API tokens and bulk runs stop, as they require an active account.
    """
    person, actor = _lock(user, by=by)
    User.objects.filter(pk=person.pk).update(is_active=False)
    _record(person, by=actor, active=[True, False])
    sessions.sign_out_everywhere(person)


@transaction.atomic
def reactivate(user: User, *, by: User) -> None:
    """Allow sign-in again. Raises ActionRefused."""
    person, actor = _lock(user, by=by)
    User.objects.filter(pk=person.pk).update(is_active=True)
    _record(person, by=actor, active=[False, True])


def _record(person: User, *, by: User, **values: list[str] | list[bool]) -> None:
    """Write an audit log entry with old and new values."""
    audit_log.record(AuditEntry.Action.CHANGE, person, by_id=by.pk, details={"values": values})


def _lock(user: User, *, by: User) -> tuple[User, User]:
    """Lock and reload both accounts, together with all superusers.

    Without the lock, two superusers could deactivate each other at the same moment.
    """
    accounts = User.objects.filter(is_superuser=True) | User.objects.filter(pk__in=[user.pk, by.pk])
    locked = {account.pk: account for account in accounts.order_by("pk").select_for_update()}
    person, actor = locked.get(user.pk), locked.get(by.pk)
    if person is None or actor is None or not rights.can_change_person(actor, person):
        raise ActionRefused(_("You can't change this account."))
    return person, actor


def _group(role: Role) -> Group:
    """The role's group; created again if it was deleted."""
    group, is_new = Group.objects.get_or_create(name=role.value)
    if is_new:
        codenames = PERMISSIONS[role]
        group.permissions.set(Permission.objects.filter(content_type__app_label="analysis", codename__in=codenames))
    return group
