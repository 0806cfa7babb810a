"""Collections: pictures that people group and order."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from analysis.models.images import Image
from analysis.models.viewer import Viewer

NAME_LENGTH = 200


class CollectionQuerySet(models.QuerySet["Collection"]):
    def visible_to(self, viewer: Viewer) -> CollectionQuerySet:
        """The viewer's own, those of everyone signed in, and those shared with them."""
        if viewer.sees_all:
            return self.filter(deleted_at=None)
        if viewer.user_id is None:
            return self.none()
        members = CollectionMember.objects.filter(user_id=viewer.user_id)
        is_visible = Q(owner_id=viewer.user_id) | Q(is_shared=True) | Q(pk__in=members.values("collection_id"))
        return self.filter(is_visible, deleted_at=None)

    def arrangeable_by(self, user_id: int | None) -> CollectionQuerySet:
        """Collections whose pictures the user can add, remove and order."""
        if user_id is None:
            return self.none()
        editors = CollectionMember.objects.filter(user_id=user_id, can_edit=True)
        return self.filter(Q(owner_id=user_id) | Q(pk__in=editors.values("collection_id")), deleted_at=None)


class Collection(models.Model):
    """A named, ordered group of pictures.

    Slashes in the name make levels: "Trips/Paris" is shown in "Trips", even if that is not a collection itself.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=NAME_LENGTH, help_text=_("Slashes create levels: Trips/Paris."))
    description = models.TextField(_("description"), blank=True)
    cover = models.ForeignKey(
        Image,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("cover"),
        help_text=_("Leave empty to use the first picture."),
    )
    is_shared = models.BooleanField(_("shared with everyone signed in"), default=False)
    shares_private = models.BooleanField(
        _("shows private pictures"),
        default=False,
        help_text=_("People with access also see private pictures that were added by their owners."),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    changed_at = models.DateTimeField(_("changed"), db_default=Now(), help_text=_("When pictures were last added."))
    # Not deleted at once, so that Undo can restore it with its pictures, people and links. The sweeper deletes it.
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        constraints = [
            models.UniqueConstraint(
                "owner", Lower("name"), condition=Q(deleted_at=None), name="collection_name_once_per_owner"
            )
        ]
        indexes = [
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="collection_deleted"),
            models.Index(fields=["is_shared"], condition=Q(is_shared=True), name="collection_shared"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("collection", args=[self.pk])

    @property
    def title(self) -> str:
        """The last part of the name."""
        return self.name.rpartition("/")[2]


class CollectionImage(models.Model):
    """A picture in a collection, with its position."""

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="entries", db_index=False, verbose_name=_("collection")
    )
    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="collection_entries", verbose_name=_("picture")
    )
    # Collation C, since positions are compared byte by byte (curation/positions.py).
    position = models.TextField(_("position"), db_collation="C")
    # Kept, since a private picture is shown to others only if its owner added it.
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added"), db_default=Now())

    class Meta:
        verbose_name = _("picture of a collection")
        verbose_name_plural = _("pictures of collections")
        constraints = [models.UniqueConstraint(fields=["collection", "image"], name="collection_image_once")]
        indexes = [models.Index(fields=["collection", "position", "image"], name="collection_order")]

    def __str__(self) -> str:
        return f"{self.image_id} in {self.collection_id}"


class CollectionMember(models.Model):
    """A person that a collection is shared with."""

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="members", db_index=False, verbose_name=_("collection")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="collection_memberships",
        verbose_name=_("user"),
    )
    can_edit = models.BooleanField(_("can edit"), default=False, help_text=_("Can add, remove and arrange pictures."))

    class Meta:
        verbose_name = _("person of a collection")
        verbose_name_plural = _("people of collections")
        constraints = [models.UniqueConstraint(fields=["collection", "user"], name="collection_member_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.collection_id}"
