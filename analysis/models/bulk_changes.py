"""What one command changed on many pictures, kept for a day so that it can be undone."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from analysis.models.images import Image
from analysis.models.labels import Label


class BulkChange(models.Model):
    """One bulk command: what it did to how many pictures. Grows with each step, so that half a command is told so.

    `number`: pictures changed; `unchanged`: they were so already; `refused`: not the person's to change, or gone;
    `restored`: of those changed, put back.
    """

    class Action(models.TextChoices):
        ADD_TAG = "add_tag", "Add a tag"
        REMOVE_TAG = "remove_tag", "Remove a tag"
        CONFIRM = "confirm", "Confirm a label"
        REJECT = "reject", "Reject a label"
        OPEN_TO = "open_to", "Change who may see them"
        TRASH = "trash", "Move to the trash"
        RESTORE = "restore", "Restore from the trash"
        FAVORITE = "favorite", "Make them favorites"
        UNFAVORITE = "unfavorite", "Take them from the favorites"
        KEEP = "keep", "Keep one of like pictures"
        GIVE = "give", "Give them to somebody"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="changes")
    action = models.CharField(max_length=12, choices=Action)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    visibility = models.SmallIntegerField("visibility", choices=Image.Visibility, null=True, blank=True)
    receiver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whom they are given to.",
    )
    all_owners = models.BooleanField("of everybody", default=False, help_text="Not only that person's pictures.")
    number = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    restored = models.PositiveIntegerField("put back", default=0, db_default=0)
    done_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True, blank=True)
    query = models.TextField(blank=True, help_text="Of one that goes on in the background: which pictures it is about.")
    place = models.CharField(max_length=100, blank=True, help_text="How far it is.")
    is_open = models.BooleanField("going on", default=False, help_text="Being done, or undone, in the background.")

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(is_open=True), name="bulk_change_open")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.number}"


class ChangedImage(models.Model):
    """What one picture was before a change; gone once it is so again."""

    pk = models.CompositePrimaryKey("change_id", "image_id")
    change = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="images", db_index=False)
    image = models.ForeignKey(
        Image, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )  # a picture removed meanwhile is passed over
    before = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.image_id} before {self.change_id}"
