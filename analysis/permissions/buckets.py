"""Access rules about buckets."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from analysis.models import Bucket
from analysis.permissions.analyses import can_analyze_all_images, can_analyze_images
from analysis.permissions.base import AnyUser, Codename, is_staff_with


def viewable_buckets(user: AnyUser) -> QuerySet[Bucket]:
    """Buckets whose pictures belong to the user; all buckets for staff."""
    buckets = Bucket.objects.select_related("owner").order_by("name", "prefix")
    return buckets if can_view_all_buckets(user) else buckets.filter(owner_id=user.pk)


def can_view_all_buckets(user: AnyUser) -> bool:
    return is_staff_with(user, Codename.VIEW_BUCKET, Codename.CHANGE_BUCKET, Codename.DELETE_BUCKET)


def get_bucket_or_404(user: AnyUser, bucket_id: int) -> Bucket:
    """The bucket. A 404 doesn't reveal whether the id exists."""
    return get_object_or_404(viewable_buckets(user), pk=bucket_id)


def can_view_censuses(user: AnyUser) -> bool:
    """Staff only, since a census uses the server's AWS permissions."""
    return can_view_all_buckets(user)


def can_sync_bucket(user: AnyUser, bucket: Bucket) -> bool:
    return (user.is_active and bucket.owner_id == user.pk) or is_staff_with(user, Codename.CHANGE_BUCKET)


def can_analyze_bucket(user: AnyUser, bucket: Bucket) -> bool:
    """Users who can retry the failed analyses of a bucket's pictures."""
    is_own = bucket.owner_id == user.pk
    return can_sync_bucket(user, bucket) and (can_analyze_all_images(user) or (is_own and can_analyze_images(user)))


def can_add_buckets(user: AnyUser) -> bool:
    """Staff only.

    The server reads buckets with its own AWS credentials, even those that the user may not read.
    """
    return is_staff_with(user, Codename.ADD_BUCKET)


def can_edit_buckets(user: AnyUser) -> bool:
    return is_staff_with(user, Codename.CHANGE_BUCKET)


def can_see_bucket_roles(user: AnyUser) -> bool:
    """Staff who set roles and external IDs; owners of a bucket see neither."""
    return can_add_buckets(user) or can_edit_buckets(user)


def can_delete_buckets(user: AnyUser) -> bool:
    return is_staff_with(user, Codename.DELETE_BUCKET)
