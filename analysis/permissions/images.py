"""Access rules about pictures: view, edit, review and upload."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from analysis.models import Image, ImageQuerySet, Viewer
from analysis.permissions.base import AnyUser, Codename, has, is_in_groups, is_staff_with, viewer_of
from imagelib.accounts.models import User

VIEW_ONLY_MESSAGE = _("Your account is view-only. Ask an administrator for permission to upload.")
NOT_OWNER_MESSAGE = _("This picture belongs to someone else. Only its owner can do this.")
NOT_CURATOR_MESSAGE = _("Only a picture's owner and curators can change its labels and tags.")


def get_image_or_404(user: AnyUser, image_id: int) -> Image:
    """The picture; one in the trash only for its owner and staff.

    A 404 doesn't reveal whether the id exists.
    """
    if not user.is_authenticated:
        raise Http404  # ids can be guessed, unlike the public addresses of public pictures
    return get_object_or_404(viewable_images(user).select_related("owner"), pk=image_id)


def lock_image_or_404(user: AnyUser, image_id: int) -> Image:
    """The same picture, locked for a change that depends on its state."""
    locked = viewable_images(user).select_related("owner").select_for_update(of=("self",))
    return get_object_or_404(locked, pk=image_id)


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
    return is_staff_with(user, Codename.VIEW_IMAGE, Codename.CHANGE_IMAGE)


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
    """Staff who can change any picture, in the admin and by bulk changes."""
    return is_staff_with(user, Codename.CHANGE_IMAGE)


def can_review_labels(user: AnyUser, image: Image) -> bool:
    """Owners and curators can confirm, reject and add labels.

    The image must be one the user can see.
    """
    return can_edit_image(user, image) or is_curator(user)


def is_curator(user: AnyUser) -> bool:
    """Users who can review the labels of every picture they can see."""
    return has(user, Codename.ADD_VERDICT)


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
    return user.is_superuser or not is_in_groups(user) or has(user, Codename.ADD_IMAGE)


def require_upload_images(user: AnyUser) -> None:
    """Raises PermissionDenied with a message."""
    if not can_upload_images(user):
        raise PermissionDenied(VIEW_ONLY_MESSAGE)
