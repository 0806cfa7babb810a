"""The permissions that access rules check, and functions to check them."""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import Http404

from analysis.models import Viewer
from imagelib.accounts.models import User

AnyUser = AbstractBaseUser | AnonymousUser


class Codename(StrEnum):
    """Codenames of the permissions checked here.

    tests/web/test_permissions.py tries each one alone.
    """

    ADD_IMAGE = "add_image"
    VIEW_IMAGE = "view_image"
    CHANGE_IMAGE = "change_image"
    ADD_VERDICT = "add_verdict"
    ADD_BATCH = "add_batch"
    VIEW_BATCH = "view_batch"
    CHANGE_BATCH = "change_batch"
    VIEW_ANALYSIS = "view_analysis"
    ADD_BUCKET = "add_bucket"
    VIEW_BUCKET = "view_bucket"
    CHANGE_BUCKET = "change_bucket"
    DELETE_BUCKET = "delete_bucket"
    VIEW_STATISTICS = "view_endedstatistics"
    VIEW_SYSTEM = "view_heartbeat"
    CHANGE_OUTAGE = "change_outage"
    VIEW_AUDIT_LOG = "view_auditentry"
    CHANGE_SINK = "change_sink"


def viewer_of(user: AnyUser) -> Viewer:
    return Viewer(user_id=user.pk if user.is_authenticated else None)


def reload_user(user_id: int | None) -> User | None:
    """The active user, read again.

    `has_perm` caches on the instance, and permissions may have been revoked.
    """
    return User.objects.filter(pk=user_id, is_active=True).first() if user_id is not None else None


def require_or_404(is_allowed: bool) -> None:
    """Raises Http404: a 403 would reveal that the page exists."""
    if not is_allowed:
        raise Http404


def is_staff(user: AnyUser) -> bool:
    """Active staff.

    Staff status only opens the administration; permissions decide what is visible there.
    """
    return bool(getattr(user, "is_staff", False)) and user.is_active


def is_staff_with(user: AnyUser, *names: Codename) -> bool:
    """Active staff with any of these permissions."""
    return is_staff(user) and any(has(user, name) for name in names)


def is_in_groups(user: User) -> bool:
    # Cached on the instance, like Django's permissions, since each page checks it several times.
    cached = vars(user)
    if "_is_in_groups" not in cached:
        cached["_is_in_groups"] = user.groups.exists()
    return bool(cached["_is_in_groups"])


def has(user: AnyUser, name: Codename) -> bool:
    return isinstance(user, User) and user.has_perm(f"analysis.{name}")
