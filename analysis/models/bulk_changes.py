"""Bulk changes and the previous values of the pictures, kept for a day for undo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.images import Image
from analysis.models.labels import Label


class BulkChange(models.Model):
    """One action on many pictures.

    The counters are saved with each step, so they are also correct after a failure.
    """

    class Action(models.TextChoices):
        ADD_TAG = "add_tag", _("Add tag")
        REMOVE_TAG = "remove_tag", _("Remove tag")
        CONFIRM = "confirm", _("Confirm label")
        REJECT = "reject", _("Reject label")
        OPEN_TO = "open_to", _("Change visibility")
        TRASH = "trash", _("Move to trash")
        RESTORE = "restore", _("Restore from trash")
        FAVORITE = "favorite", _("Add to favorites")
        UNFAVORITE = "unfavorite", _("Remove from favorites")
        RATE = "rate", _("Rate")
        KEEP = "keep", _("Merge duplicates")
        EXACT = "exact", _("Resolve exact copies")
        DISTINCT = "distinct", _("Mark as not duplicates")
        GIVE = "give", _("Transfer to another user")
        EDIT = "edit", _("Edit details")

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="changes", verbose_name=_("user")
    )
    action = models.CharField(_("action"), max_length=12, choices=Action)
    label = models.ForeignKey(
        Label, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("label")
    )
    visibility = models.SmallIntegerField(_("visibility"), choices=Image.Visibility, null=True, blank=True)
    receiver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("new owner"),
    )
    edit = models.JSONField(_("edited values"), null=True, blank=True, help_text=_("For edited details, by field."))
    all_owners = models.BooleanField(
        _("all owners"), default=False, help_text=_("Not limited to the user's own pictures.")
    )
    number = models.PositiveIntegerField(_("changed"), default=0, help_text=_("Pictures changed."))
    unchanged = models.PositiveIntegerField(
        _("unchanged"), default=0, help_text=_("Pictures that already had the new value.")
    )
    refused = models.PositiveIntegerField(
        _("skipped"), default=0, help_text=_("Pictures that the user can't edit or that no longer exist.")
    )
    restored = models.PositiveIntegerField(
        _("restored"), default=0, db_default=0, help_text=_("Changed pictures restored by undo.")
    )
    done_at = models.DateTimeField(_("started"), db_default=Now())
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    query = models.TextField(_("search"), blank=True, help_text=_("Selects the pictures of a background change."))
    cursor = models.CharField(
        _("cursor"), max_length=100, blank=True, db_column="place", help_text=_("Progress of a background change.")
    )
    is_open = models.BooleanField(
        _("in progress"), default=False, help_text=_("Being applied or undone in the background.")
    )

    class Meta:
        verbose_name = _("bulk change")
        verbose_name_plural = _("bulk changes")
        indexes = [models.Index(fields=["id"], condition=Q(is_open=True), name="bulk_change_open")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.number}"

    def record(
        self, before: Mapping[int, Any], *, number: int | None = None, unchanged: int = 0, refused: int = 0
    ) -> None:
        """Save previous values and add to the counters.

        `number` if it differs from the number of values.
        """
        # After a worker was killed, its last page is repeated; previous values that were saved are kept.
        ChangedImage.objects.bulk_create(
            (ChangedImage(change=self, image_id=image_id, before=state) for image_id, state in before.items()),
            ignore_conflicts=True,
        )
        BulkChange.objects.filter(pk=self.pk).update(
            number=F("number") + (len(before) if number is None else number),
            unchanged=F("unchanged") + unchanged,
            refused=F("refused") + refused,
        )


class ChangedImage(models.Model):
    """Previous values of one picture in a bulk change; deleted when they are restored."""

    pk = models.CompositePrimaryKey("change_id", "image_id")
    change = models.ForeignKey(
        BulkChange, on_delete=models.CASCADE, related_name="images", db_index=False, verbose_name=_("bulk change")
    )
    # No constraint: the row of a picture that is deleted forever stays until its change expires, and undo skips it.
    image = models.ForeignKey(
        Image,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("picture"),
    )
    before = models.JSONField(_("previous values"), default=dict)

    class Meta:
        verbose_name = _("changed picture")
        verbose_name_plural = _("changed pictures")

    def __str__(self) -> str:
        return f"{self.image_id} in {self.change_id}"
