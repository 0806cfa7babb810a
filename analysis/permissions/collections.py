"""Access rules about collections and share links (docs/decisions/0035)."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analysis.models import (
    Collection,
    CollectionImage,
    CollectionQuerySet,
    Image,
    ImageQuerySet,
    SavedSearch,
    ShareLink,
)
from analysis.permissions import AnyUser, is_staff, viewable_images, viewer_of
from imagelib.accounts.models import User

NOT_EDITOR_MESSAGE = _("Only the owner of this collection and people who can edit it can do this.")


def viewable_collections(user: AnyUser) -> CollectionQuerySet:
    """The user's own collections and those shared with them."""
    return Collection.objects.all().visible_to(viewer_of(user))


def arrangeable_collections(user: AnyUser) -> CollectionQuerySet:
    """`can_arrange_collection` as a queryset."""
    return Collection.objects.all().arrangeable_by(user.pk if user.is_authenticated and user.is_active else None)


def get_collection_or_404(user: AnyUser, collection_id: int) -> Collection:
    """The collection. A 404 doesn't reveal whether the id exists."""
    return get_object_or_404(viewable_collections(user).select_related("owner", "cover"), pk=collection_id)


def can_edit_collection(user: AnyUser, collection: Collection) -> bool:
    """Only its owner can rename, share and delete it."""
    return user.is_authenticated and user.is_active and collection.owner_id == user.pk


def can_arrange_collection(user: AnyUser, collection: Collection) -> bool:
    """The owner and people who can edit add, remove and order its pictures."""
    return can_edit_collection(user, collection) or arrangeable_collections(user).filter(pk=collection.pk).exists()


def require_arrange_collection(user: AnyUser, collection: Collection) -> None:
    """Raises PermissionDenied with a message.

    The collection must be one the user can see.
    """
    if not can_arrange_collection(user, collection):
        raise PermissionDenied(NOT_EDITOR_MESSAGE)


def visible_entries(user: AnyUser, collection: Collection) -> QuerySet[CollectionImage]:
    """The pictures that a user sees in a collection they can open, in its order.

    These are pictures they may see anyway. If the collection is set to, also private ones that were added by their
    owners.
    """
    visible = viewer_of(user).visible_filter("image__")
    if collection.shares_private:
        visible |= Q(added_by_id=F("image__owner_id"))
    entries = CollectionImage.objects.filter(visible, collection=collection, image__trashed_at=None)
    return entries.order_by("position", "image_id")


def get_collection_image_or_404(user: AnyUser, collection: Collection, image_id: int) -> Image:
    """A picture that the user sees in a collection."""
    return get_object_or_404(visible_entries(user, collection).select_related("image"), image_id=image_id).image


def can_share_image(user: AnyUser, image: Image) -> bool:
    """Owners can share their pictures by link; other users can share public ones."""
    is_public = image.visibility == Image.Visibility.PUBLIC
    return user.is_authenticated and image.trashed_at is None and (is_public or image.owner_id == user.pk)


def can_share_search(user: AnyUser, search: SavedSearch) -> bool:
    """Only its owner, since others would not notice that it changes."""
    return user.is_authenticated and search.owner_id == user.pk


def viewable_share_links(user: AnyUser) -> QuerySet[ShareLink]:
    """The user's own links."""
    # Not even staff see other people's links, since the address is all it takes to open one.
    return ShareLink.objects.filter(owner_id=user.pk)


def can_view_target(user: AnyUser, link: ShareLink) -> bool:
    """False for an own link to another person's picture that was hidden since."""
    image = link.image
    return image is None or image.owner_id == user.pk or viewable_images(user).filter(pk=image.pk).exists()


def can_revoke_all_links(user: AnyUser) -> bool:
    """Staff who end links of all owners in the admin.

    It does not show their addresses.
    """
    return isinstance(user, User) and is_staff(user) and user.has_perm("analysis.change_sharelink")


def get_share_link_or_404(token: str) -> ShareLink:
    """A link that works now, for any visitor.

    Revoked and expired links, and those of deleted collections and closed accounts, raise Http404 like unknown ones.
    """
    links = ShareLink.objects.select_related("owner", "image", "collection__cover", "search")
    link = get_object_or_404(links, token=token)
    is_deleted = link.collection is not None and link.collection.deleted_at is not None
    if is_deleted or not (link.is_live(timezone.now()) and link.owner.is_active):
        raise Http404
    return link


def shareable_images(link: ShareLink) -> ImageQuerySet:
    """All pictures that a link may show, for any kind of target.

    These are its owner's pictures, private ones only if the link allows it, and public pictures; none in the trash.
    """
    own = Q(owner_id=link.owner_id)
    if not link.includes_private:
        own &= Q(visibility__gte=Image.Visibility.SHARED)
    return Image.objects.filter(own | Q(visibility=Image.Visibility.PUBLIC), trashed_at=None)
