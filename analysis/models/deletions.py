"""Requests to delete pictures in the trash forever, done in the background."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.buckets import KEY_LENGTH, Bucket


class TrashDeletion(models.Model):
    """A request to delete pictures in a trash forever, and its progress.

    Each step is one transaction. Pictures that were restored in the meantime are kept.
    """

    class State(models.TextChoices):
        OPEN = "open", _("In progress")
        DONE = "done", _("Done")
        CANCELED = "canceled", _("Canceled")

    # The user who requested it. Null: imagelib itself, by the setting TRASH_DAYS.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="trash_deletions",
        verbose_name=_("user"),
    )
    owner_id = models.IntegerField(
        _("owner ID"), null=True, help_text=_("Owner of the trash. Empty for the trash of all owners.")
    )
    trashed_until = models.DateTimeField(
        _("trashed until"), help_text=_("Pictures moved to the trash later than this are kept.")
    )
    image_ids = ArrayField(
        models.BigIntegerField(),
        verbose_name=_("selection"),
        null=True,
        help_text=_("Empty for everything in the trash."),
    )
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    total = models.PositiveIntegerField(_("pictures to delete"), default=0)
    deleted = models.PositiveIntegerField(_("deleted"), default=0)
    freed = models.BigIntegerField(_("freed"), default=0, help_text=_("Bytes of the deleted originals."))
    waiting = models.PositiveIntegerField(
        _("waiting"), default=0, help_text=_("Pictures whose analysis is in progress.")
    )
    audit_entry_id = models.BigIntegerField(_("audit entry"), null=True)
    requested_at = models.DateTimeField(_("requested"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("deletion from trash")
        verbose_name_plural = _("deletions from trash")
        indexes = [
            models.Index(fields=["id"], condition=Q(state="open"), name="trashdeletion_open"),
            models.Index(fields=["owner_id", "-id"], name="trashdeletion_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.deleted} of {self.total} deleted"


class OriginalDeletion(models.Model):
    """An original still to be deleted from a bucket; its picture is already gone.

    Like a PendingBlob, it is saved with the picture's deletion, and deleted when S3 has deleted the object.
    """

    bucket = models.ForeignKey(Bucket, on_delete=models.CASCADE, related_name="+", verbose_name=_("bucket"))
    key = models.CharField(_("key"), max_length=KEY_LENGTH)
    version_id = models.CharField(_("version ID"), max_length=KEY_LENGTH, blank=True)
    etag = models.CharField(_("ETag"), max_length=100, blank=True)
    image_id = models.BigIntegerField(_("picture ID"))
    filename = models.CharField(_("file name"), max_length=200)
    actor_id = models.IntegerField(_("user ID"), null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), db_default=Now())
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("original to delete")
        verbose_name_plural = _("originals to delete")
        indexes = [models.Index(fields=["next_attempt_at"], name="originaldeletion_due")]

    def __str__(self) -> str:
        return self.key
