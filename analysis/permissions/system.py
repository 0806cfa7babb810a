"""Access rules about the pages and accounts of staff."""

from __future__ import annotations

from analysis.permissions.base import AnyUser, Codename, is_staff, is_staff_with
from imagelib.accounts.models import User


def can_view_statistics(user: AnyUser) -> bool:
    """Staff who see statistics of the entire library; users see their own in any case."""
    return is_staff_with(user, Codename.VIEW_STATISTICS)


def can_view_system(user: AnyUser) -> bool:
    """Staff who see the system page: settings, queues, outages and spend."""
    return is_staff_with(user, Codename.VIEW_SYSTEM)


def can_open_welcome(user: AnyUser) -> bool:
    """Staff who see the first steps of the installation.

    The page shows settings, like the system page.
    """
    return can_view_system(user)


def can_view_audit_log(user: AnyUser) -> bool:
    """Staff who see everyone's changes, including those on pictures they can't open."""
    return is_staff_with(user, Codename.VIEW_AUDIT_LOG)


def can_open_admin(user: AnyUser) -> bool:
    """Staff with at least one permission.

    For other staff the administration would be empty.
    """
    return isinstance(user, User) and is_staff(user) and (user.is_superuser or bool(user.get_all_permissions()))


def can_edit_user(user: AnyUser, other: User) -> bool:
    """Only superusers can edit other staff accounts.

    By changing a password, others could sign in as them.
    """
    is_superuser = isinstance(user, User) and user.is_superuser
    return is_superuser or other.pk == user.pk or not (other.is_staff or other.is_superuser)
