"""Who may: the viewer of a request and the pictures it may open, here and nowhere else."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from analysis.models import Bucket, Image, Viewer
from imagelib.accounts.models import User

VIEW_ONLY_MESSAGE = "Your account may look at pictures, not bring any in. Whoever runs this library can change that."


def viewer_of(user: AbstractBaseUser | AnonymousUser) -> Viewer:
    return Viewer(person_id=user.pk if user.is_authenticated else None)


def image_for(user: AbstractBaseUser | AnonymousUser, image_id: int) -> Image:
    """The picture, in the trash only for its owner and for staff, or a 404 that does not tell whether it exists."""
    if can_view_all(user):
        return get_object_or_404(Image.objects.select_related("owner"), pk=image_id)
    visible = Image.objects.visible_to(viewer_of(user))
    trashed = Image.objects.editable_by(user.pk).exclude(trashed_at=None)
    return get_object_or_404((visible | trashed).select_related("owner"), pk=image_id)


def buckets_for(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Bucket]:
    """Those whose pictures are theirs; all of them for whoever runs the place."""
    every = Bucket.objects.select_related("owner").order_by("name", "prefix")
    return every if is_staff(user) else every.filter(owner_id=user.pk)


def bucket_for(user: AbstractBaseUser | AnonymousUser, bucket_id: int) -> Bucket:
    """The bucket, or a 404 that does not tell whether it exists."""
    return get_object_or_404(buckets_for(user), pk=bucket_id)


def can_edit(user: AbstractBaseUser | AnonymousUser, image: Image) -> bool:
    return user.is_authenticated and image.is_editable_by(user.pk)


def require_staff(user: AbstractBaseUser | AnonymousUser) -> None:
    """A 404 for everybody who does not run the place: no one learns that there is such a page."""
    if not is_staff(user):
        raise Http404


def is_staff(user: AbstractBaseUser | AnonymousUser) -> bool:
    return bool(getattr(user, "is_staff", False)) and user.is_active


def can_review_labels(user: AbstractBaseUser | AnonymousUser, image: Image) -> bool:
    """Whether this person may put labels right on a picture they see: its owner, and curators."""
    return can_edit(user, image) or _has(user, "add_verdict")


def can_upload(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person may bring pictures in: whom nobody has put into any group may, viewers and curators not."""
    return _has(user, "add_image") or (isinstance(user, User) and user.is_active and not user.groups.exists())


def require_upload_permission(user: AbstractBaseUser | AnonymousUser) -> None:
    """Raises PermissionDenied with a sentence."""
    if not can_upload(user):
        raise PermissionDenied(VIEW_ONLY_MESSAGE)


def can_view_all(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Staff who may look at everybody's pictures: by their address and in the admin, not in searches of their own."""
    return isinstance(user, User) and user.is_staff and _has(user, "view_image")


def _has(user: AbstractBaseUser | AnonymousUser, right: str) -> bool:
    return isinstance(user, User) and user.has_perm(f"analysis.{right}")
