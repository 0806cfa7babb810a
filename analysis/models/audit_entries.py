"""The audit log: who changed which picture, label, bucket, account or setting.

Rows are only added. A trigger of the database refuses every UPDATE, and every DELETE except that of
`audit_log/retention.py`. They have no foreign keys, so they outlive the rows they describe.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

NAME_LENGTH = 200


class AuditEntry(models.Model):
    """One action of one person.

    An action on many pictures is one entry; AuditedImages has the ids of the pictures it changed.
    """

    class Action(models.TextChoices):
        ADD = "add", _("Added")
        CHANGE = "change", _("Changed")
        REMOVE = "remove", _("Removed")
        REVOKE = "revoke", _("Revoked")
        MERGE = "merge", _("Merged")
        # On pictures. Those of bulk changes have the same values in BulkChange.Action.
        ADD_TAG = "add_tag", _("Added label")
        REMOVE_TAG = "remove_tag", _("Removed label")
        CONFIRM = "confirm", _("Confirmed label")
        REJECT = "reject", _("Rejected label")
        CLEAR = "clear", _("Cleared verdict")
        OPEN_TO = "open_to", _("Changed visibility")
        GIVE = "give", _("Transferred")
        FAVORITE = "favorite", _("Added to favorites")
        UNFAVORITE = "unfavorite", _("Removed from favorites")
        RATE = "rate", _("Rated")
        EDIT = "edit", _("Edited details")
        ROTATE = "rotate", _("Rotated")
        KEEP = "keep", _("Merged duplicates")
        EXACT = "exact", _("Resolved exact copies")
        DISTINCT = "distinct", _("Marked as not duplicates")
        PIN = "pin", _("Pinned analysis")
        UNPIN = "unpin", _("Unpinned analysis")
        TRASH = "trash", _("Moved to trash")
        RESTORE = "restore", _("Restored from trash")
        UNDO = "undo", _("Undid")
        DELETE = "delete", _("Deleted forever")
        DELETE_ORIGINAL = "delete_original", _("Deleted original in bucket")
        CANCEL = "cancel", _("Canceled deletion")

    class Source(models.TextChoices):
        PAGE = "page", _("Page")
        API = "api", _("API")
        MCP = "mcp", _("Language model (MCP)")
        ADMIN = "admin", _("Administration")
        BACKGROUND = "background", _("Command or worker")

    at = models.DateTimeField(_("time"), db_default=Now(), editable=False)
    actor_id = models.IntegerField(_("user ID"), null=True, help_text=_("Empty for imagelib itself."))
    actor_name = models.CharField(_("user"), max_length=150, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    action = models.CharField(_("action"), max_length=16, choices=Action)
    object_type = models.CharField(
        _("type"), max_length=40, blank=True, help_text=_("Name of the model, such as “image”.")
    )
    object_id = models.BigIntegerField(_("ID"), null=True, help_text=_("Empty for an action on many pictures."))
    object_name = models.CharField(_("name"), max_length=NAME_LENGTH, blank=True)
    label_id = models.IntegerField(_("label ID"), null=True)
    label_name = models.CharField(_("label"), max_length=NAME_LENGTH, blank=True)
    bulk_change_id = models.BigIntegerField(_("bulk change"), null=True)
    details = models.JSONField(_("details"), default=dict, help_text=_("Old and new values, search, API token."))

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["object_type", "object_id", "id"], name="auditentry_object"),
            models.Index(fields=["actor_id", "id"], name="auditentry_actor"),
            models.Index(fields=["action", "id"], name="auditentry_action"),
            models.Index(fields=["at"], name="auditentry_at"),
            models.Index(fields=["label_id", "id"], condition=Q(label_id__isnull=False), name="auditentry_label"),
            models.Index(
                fields=["bulk_change_id"], condition=Q(bulk_change_id__isnull=False), name="auditentry_bulk_change"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.object_name}"


class AuditedImages(models.Model):
    """The pictures that one step of an entry's action changed.

    An array of up to a thousand ids instead of a row for each: its index finds the entries of one picture.
    """

    at = models.DateTimeField(_("time"), db_default=Now(), editable=False)
    # No foreign key, since a trigger protects the rows: neither is ever changed, and retention deletes both.
    entry_id = models.BigIntegerField(_("entry"), db_index=True)
    image_ids = ArrayField(models.BigIntegerField(), verbose_name=_("pictures"))
    number = models.PositiveIntegerField(_("number"), help_text=_("Of the pictures."))
    receipts = models.JSONField(
        _("receipts"),
        null=True,
        help_text=_("Of deleted pictures: name, SHA-256, size and whether the file was deleted."),
    )

    class Meta:
        verbose_name = _("pictures of an audit entry")
        verbose_name_plural = _("pictures of audit entries")
        indexes = [
            GinIndex(fields=["image_ids"], name="auditedimages_image", fastupdate=False),
            models.Index(fields=["at"], name="auditedimages_at"),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.entry_id}"
