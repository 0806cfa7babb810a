from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Export(models.Model):
    """A file of pictures and labels, written in the background.

    The pictures are those of a search or a selection. An export with a name is a version of a frozen dataset: its file
    is kept until someone deletes it, so every download has the same bytes.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("In progress")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Canceled")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        # Not CASCADE, since the sweeper has to delete its file in the storage, too.
        on_delete=models.SET_NULL,
        null=True,
        related_name="exports",
        verbose_name=_("owner"),
    )
    query = models.TextField(_("search"), blank=True, help_text=_("Empty for all pictures or a selection."))
    image_ids = ArrayField(
        models.BigIntegerField(), verbose_name=_("selection"), null=True, blank=True, help_text=_("Empty for a search.")
    )
    format = models.CharField(_("format"), max_length=20)
    options = models.JSONField(_("options"), default=dict)
    name = models.CharField(_("dataset"), max_length=100, blank=True)
    version = models.PositiveIntegerField(_("version"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.QUEUED)
    total = models.BigIntegerField(_("pictures to write"), null=True, blank=True, help_text=_("Empty if not counted."))
    written = models.BigIntegerField(_("pictures written"), default=0)
    key = models.CharField(_("storage key"), max_length=200, blank=True)
    size = models.BigIntegerField(_("size"), null=True, blank=True, help_text=_("Bytes."))
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    error = models.TextField(_("error"), blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    uncounted_attempts = models.PositiveSmallIntegerField(
        _("uncounted attempts"),
        default=0,
        db_default=0,
        help_text=_("Attempts until a picture in it was deleted forever. They are no interruptions."),
    )
    next_attempt_at = models.DateTimeField(_("next attempt"), db_default=Now())
    created_at = models.DateTimeField(_("created"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    expires_at = models.DateTimeField(
        _("expires"), null=True, blank=True, help_text=_("Deleted after this time. Empty if kept.")
    )

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state__in=["queued", "running"]), name="export_due"),
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="export_expires"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name", "version"], condition=~Q(name=""), name="export_version"),
            models.CheckConstraint(
                condition=Q(version=None, name="") | (Q(version__gte=1) & ~Q(name="")), name="export_version_has_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.name else f"{self.format} {self.pk}"


class ExportedImages(models.Model):
    """The pictures that one step added to an export's file.

    An array of hundreds of ids instead of a row for each: its index finds the exports of one picture.
    """

    export = models.ForeignKey(
        Export, on_delete=models.CASCADE, related_name="exported_images", verbose_name=_("export")
    )
    image_ids = ArrayField(models.BigIntegerField(), verbose_name=_("pictures"))

    class Meta:
        verbose_name = _("pictures of an export")
        verbose_name_plural = _("pictures of exports")
        indexes = [GinIndex(fields=["image_ids"], name="exportedimages_image", fastupdate=False)]

    def __str__(self) -> str:
        return f"{len(self.image_ids)} in {self.export_id}"
