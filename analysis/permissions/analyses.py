"""Access rules about analyses and bulk runs, which cost money."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from analysis.models import Batch
from analysis.permissions.base import AnyUser, Codename, has, is_staff_with
from analysis.permissions.images import can_upload_images, can_view_all_images

NO_ANALYSES_MESSAGE = _("Your account can't start analyses, because they cost money. Ask an administrator for access.")


def can_analyze_images(user: AnyUser) -> bool:
    """Uploaders, since re-analysis costs money as uploading does."""
    return can_upload_images(user) or has(user, Codename.ADD_BATCH)


def require_analyze_images(user: AnyUser) -> None:
    """Raises PermissionDenied with a message."""
    if not can_analyze_images(user):
        raise PermissionDenied(NO_ANALYSES_MESSAGE)


def can_choose_apis(user: AnyUser) -> bool:
    """Users who can spend money on APIs that RECOGNIZER_APIS does not enable."""
    return has(user, Codename.ADD_BATCH)


def can_analyze_all_images(user: AnyUser) -> bool:
    """Staff who can start runs and can see the pictures to analyze."""
    return is_staff_with(user, Codename.ADD_BATCH) and can_view_all_images(user)


def viewable_batches(user: AnyUser) -> QuerySet[Batch]:
    """The user's own runs; all runs for staff."""
    batches = Batch.objects.select_related("person")
    if is_staff_with(user, Codename.VIEW_BATCH, Codename.CHANGE_BATCH):
        return batches
    return batches.filter(person_id=user.pk)


def can_control_batch(user: AnyUser, batch: Batch) -> bool:
    """Users can pause, resume and cancel their own runs, staff all runs."""
    is_own = user.is_active and batch.person_id is not None and batch.person_id == user.pk
    return is_own or can_control_all_batches(user)


def can_control_all_batches(user: AnyUser) -> bool:
    return is_staff_with(user, Codename.CHANGE_BATCH)


def can_view_all_failures(user: AnyUser) -> bool:
    """Staff who see failed analyses of all owners."""
    return is_staff_with(user, Codename.VIEW_ANALYSIS)


def can_probe_apis(user: AnyUser) -> bool:
    """Staff who can retry an API during its outage, before the next automatic probe."""
    return is_staff_with(user, Codename.CHANGE_OUTAGE)
