"""Access rules as checks (`can_…`), guards (`require_…`) and querysets."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from analysis.models import Alert, Batch, Bucket, Delivery, Export, Image, ImageQuerySet, Viewer
from imagelib.accounts.models import User

AnyUser = AbstractBaseUser | AnonymousUser
VIEW_ONLY_MESSAGE = _("Your account is view-only. Ask an administrator for permission to upload.")
NOT_OWNER_MESSAGE = _("This picture belongs to someone else. Only its owner can do this.")
NOT_CURATOR_MESSAGE = _("Only a picture's owner and curators can change its labels and tags.")
NO_ANALYSES_MESSAGE = _("Your account can't start analyses, because they cost money. Ask an administrator for access.")


class Codename(StrEnum):
    """Codenames of the permissions checked here.

    Tests/web/test_permissions.py tries each one alone.
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


def get_image_or_404(user: AnyUser, image_id: int) -> Image:
    """The picture, in the trash only for its owner and staff.

    A 404 doesn't reveal whether the id exists.
    """
    if not user.is_authenticated:
        raise Http404  # ids can be guessed; public pictures have an unguessable address
    return get_object_or_404(viewable_images(user).select_related("owner"), pk=image_id)


def get_public_image_or_404(public_id: UUID) -> Image:
    """A public picture, for visitors who are not signed in."""
    return get_object_or_404(Image.objects.visible_to(Viewer()).select_related("owner"), public_id=public_id)


def viewable_images(user: AnyUser) -> ImageQuerySet:
    """Pictures that a signed-in user can open by id."""
    if can_view_all_images(user):
        return Image.objects.all()
    return Image.objects.visible_to(viewer_of(user)) | editable_images(user).exclude(trashed_at=None)


def can_view_all_images(user: AnyUser) -> bool:
    """Staff who can open any picture by its address and in the admin.

    Their own searches don't include them.
    """
    return _is_staff_with(user, Codename.VIEW_IMAGE, Codename.CHANGE_IMAGE)


def can_edit_image(user: AnyUser, image: Image) -> bool:
    return user.is_authenticated and user.is_active and image.is_editable_by(user.pk)


def require_edit_image(user: AnyUser, image: Image) -> None:
    """Raises PermissionDenied with a message; the image must be one the user can see."""
    if not can_edit_image(user, image):
        raise PermissionDenied(NOT_OWNER_MESSAGE)


def editable_images(user: AnyUser) -> ImageQuerySet:
    """`can_edit_image` as a queryset."""
    return Image.objects.all().editable_by(user.pk if user.is_authenticated and user.is_active else None)


def can_delete_forever(user: AnyUser, *, owner_id: int | None) -> bool:
    """Owners can delete pictures in their own trash forever."""
    return user.is_authenticated and user.is_active and owner_id == user.pk


def can_edit_all_images(user: AnyUser) -> bool:
    """Staff who can change any picture in the admin and its bulk changes."""
    return _is_staff_with(user, Codename.CHANGE_IMAGE)


def can_review_labels(user: AnyUser, image: Image) -> bool:
    """Owners and curators can confirm, reject and add labels.

    The image must be one the user can see.
    """
    return can_edit_image(user, image) or is_curator(user)


def is_curator(user: AnyUser) -> bool:
    """Users who can review the labels of every picture they can see."""
    return _has(user, Codename.ADD_VERDICT)


def reviewable_images(user: AnyUser) -> ImageQuerySet:
    """`can_review_labels` as a queryset over all pictures."""
    own = editable_images(user)
    return own | viewable_images(user) if is_curator(user) else own


def can_upload_images(user: AnyUser) -> bool:
    """Users without any group can upload.

    In a group they need the permission, so viewers and curators can't.
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or not _is_in_groups(user) or _has(user, Codename.ADD_IMAGE)


def require_upload_images(user: AnyUser) -> None:
    """Raises PermissionDenied with a message."""
    if not can_upload_images(user):
        raise PermissionDenied(VIEW_ONLY_MESSAGE)


def can_analyze_images(user: AnyUser) -> bool:
    """Re-analysis costs money as uploading does, so uploaders can do both."""
    return can_upload_images(user) or _has(user, Codename.ADD_BATCH)


def require_analyze_images(user: AnyUser) -> None:
    """Raises PermissionDenied with a message."""
    if not can_analyze_images(user):
        raise PermissionDenied(NO_ANALYSES_MESSAGE)


def can_choose_apis(user: AnyUser) -> bool:
    """Users who can spend money on APIs that RECOGNIZER_APIS does not enable."""
    return _has(user, Codename.ADD_BATCH)


def can_analyze_all_images(user: AnyUser) -> bool:
    """Staff who can start runs and can also see the pictures these would be about."""
    return _is_staff_with(user, Codename.ADD_BATCH) and can_view_all_images(user)


def viewable_batches(user: AnyUser) -> QuerySet[Batch]:
    """The user's own runs; all runs for staff."""
    batches = Batch.objects.select_related("person")
    if _is_staff_with(user, Codename.VIEW_BATCH, Codename.CHANGE_BATCH):
        return batches
    return batches.filter(person_id=user.pk)


def viewable_exports(user: AnyUser) -> QuerySet[Export]:
    """The user's own exports.

    Nobody else's, not even for staff: they contain what only their owner may see.
    """
    return Export.objects.filter(owner_id=user.pk)


def viewable_alerts(user: AnyUser) -> QuerySet[Alert]:
    """The user's own alerts.

    Nobody else's, not even for staff: their addresses and secrets let one write to a receiver.
    """
    return Alert.objects.filter(owner_id=user.pk)


def viewable_deliveries(user: AnyUser) -> QuerySet[Delivery]:
    """Messages of the user's own alerts; of sinks for those who manage them."""
    deliveries = Delivery.objects.filter(alert__owner_id=user.pk)
    return deliveries | Delivery.objects.exclude(sink=None) if can_manage_sinks(user) else deliveries


def can_manage_sinks(user: AnyUser) -> bool:
    """Staff only.

    Sinks are about everyone's pictures, and use the server's AWS credentials.
    """
    return _is_staff_with(user, Codename.CHANGE_SINK)


def can_control_batch(user: AnyUser, batch: Batch) -> bool:
    """Users can pause, resume and cancel their own runs, staff all runs."""
    is_own = user.is_active and batch.person_id is not None and batch.person_id == user.pk
    return is_own or can_control_all_batches(user)


def can_control_all_batches(user: AnyUser) -> bool:
    return _is_staff_with(user, Codename.CHANGE_BATCH)


def can_view_all_failures(user: AnyUser) -> bool:
    """Staff who see failed analyses of all owners."""
    return _is_staff_with(user, Codename.VIEW_ANALYSIS)


def viewable_buckets(user: AnyUser) -> QuerySet[Bucket]:
    """Buckets whose pictures belong to the user; all buckets for staff."""
    buckets = Bucket.objects.select_related("owner").order_by("name", "prefix")
    return buckets if can_view_all_buckets(user) else buckets.filter(owner_id=user.pk)


def can_view_all_buckets(user: AnyUser) -> bool:
    return _is_staff_with(user, Codename.VIEW_BUCKET, Codename.CHANGE_BUCKET, Codename.DELETE_BUCKET)


def get_bucket_or_404(user: AnyUser, bucket_id: int) -> Bucket:
    """The bucket. A 404 doesn't reveal whether the id exists."""
    return get_object_or_404(viewable_buckets(user), pk=bucket_id)


def can_view_censuses(user: AnyUser) -> bool:
    """Staff only: it is made with the server's AWS permissions."""
    return can_view_all_buckets(user)


def can_sync_bucket(user: AnyUser, bucket: Bucket) -> bool:
    return (user.is_active and bucket.owner_id == user.pk) or _is_staff_with(user, Codename.CHANGE_BUCKET)


def can_analyze_bucket(user: AnyUser, bucket: Bucket) -> bool:
    """Users who can retry the failed analyses of a bucket's pictures."""
    is_own = bucket.owner_id == user.pk
    return can_sync_bucket(user, bucket) and (can_analyze_all_images(user) or (is_own and can_analyze_images(user)))


def can_add_buckets(user: AnyUser) -> bool:
    """Staff only.

    The server reads a bucket with its own AWS credentials, whatever the user may read.
    """
    return _is_staff_with(user, Codename.ADD_BUCKET)


def can_edit_buckets(user: AnyUser) -> bool:
    return _is_staff_with(user, Codename.CHANGE_BUCKET)


def can_see_bucket_roles(user: AnyUser) -> bool:
    """Staff who set roles and external IDs; owners of a bucket see neither."""
    return can_add_buckets(user) or can_edit_buckets(user)


def can_delete_buckets(user: AnyUser) -> bool:
    return _is_staff_with(user, Codename.DELETE_BUCKET)


def can_view_statistics(user: AnyUser) -> bool:
    """Staff who see statistics of the entire library; users see their own in any case."""
    return _is_staff_with(user, Codename.VIEW_STATISTICS)


def can_view_system(user: AnyUser) -> bool:
    """Staff who see the system page: settings, queues, outages and spend."""
    return _is_staff_with(user, Codename.VIEW_SYSTEM)


def can_open_welcome(user: AnyUser) -> bool:
    """Staff who are led through the first steps of the installation.

    The page shows settings, as the system page does.
    """
    return can_view_system(user)


def can_view_audit_log(user: AnyUser) -> bool:
    """Staff who see everyone's changes, including those on pictures they can't open."""
    return _is_staff_with(user, Codename.VIEW_AUDIT_LOG)


def can_probe_apis(user: AnyUser) -> bool:
    """Staff who can retry an API during its outage, before the next automatic probe."""
    return _is_staff_with(user, Codename.CHANGE_OUTAGE)


def can_open_admin(user: AnyUser) -> bool:
    """Staff with at least one permission.

    For others the administration is an empty page.
    """
    return isinstance(user, User) and is_staff(user) and (user.is_superuser or bool(user.get_all_permissions()))


def require_or_404(is_allowed: bool) -> None:
    """Raises Http404: a 403 would reveal that the page exists."""
    if not is_allowed:
        raise Http404


def is_staff(user: AnyUser) -> bool:
    """Active staff.

    Being staff opens the administration only; permissions decide what they see there.
    """
    return bool(getattr(user, "is_staff", False)) and user.is_active


def can_edit_user(user: AnyUser, other: User) -> bool:
    """Only superusers edit other staff accounts.

    Changing a password would be a way to act as them.
    """
    is_superuser = isinstance(user, User) and user.is_superuser
    return is_superuser or other.pk == user.pk or not (other.is_staff or other.is_superuser)


def _is_staff_with(user: AnyUser, *names: Codename) -> bool:
    """Active staff with any of these permissions."""
    return is_staff(user) and any(_has(user, name) for name in names)


def _is_in_groups(user: User) -> bool:
    # Cached on the instance, as Django does with permissions: each page checks several times.
    if not hasattr(user, "_is_in_groups"):
        user._is_in_groups = user.groups.exists()  # type: ignore[attr-defined]
    return bool(user._is_in_groups)  # type: ignore[attr-defined]


def _has(user: AnyUser, name: Codename) -> bool:
    return isinstance(user, User) and user.has_perm(f"analysis.{name}")
