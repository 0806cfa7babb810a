from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.collections import Collection
from analysis.models.images import Image


class Upload(models.Model):
    """One user's permission to upload one file directly to storage, and the outcome."""

    class State(models.TextChoices):
        ISSUED = "issued", _("Issued")
        ARRIVED = "arrived", _("Waiting for validation")
        TAKEN = "taken", _("In the library")
        REFUSED = "refused", _("Rejected")

    # Random, because the ID is part of the address to which a browser sends the file.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads", verbose_name=_("owner")
    )
    # Chosen by the server: a browser that chose the key could overwrite another person's original.
    key = models.CharField(
        _("storage key"),
        max_length=200,
        unique=True,
        help_text=_("Chosen by the server; the browser uploads the file to this key."),
    )
    filename = models.CharField(_("file name"), max_length=200)
    folder = models.CharField(
        _("folder"),
        max_length=1_024,
        blank=True,
        db_default="",
        help_text=_("Path of the folder that was uploaded, as declared by the browser."),
    )
    modified = models.CharField(
        _("file last changed"),
        max_length=40,
        blank=True,
        db_default="",
        help_text=_("Time on the clock of the browser with its offset from UTC, as declared by the browser."),
    )
    # Declared before the upload, since a presigned POST is bound to this size: S3 rejects any other.
    size = models.BigIntegerField(_("size"), help_text=_("Bytes, as declared by the browser."))
    sha256 = models.CharField(
        _("SHA-256"), max_length=64, blank=True, help_text=_("As declared by the browser, if it computed one.")
    )
    sidecar = models.JSONField(
        _("sidecar"), null=True, blank=True, help_text=_("Metadata of the XMP file that was chosen together with it.")
    )
    visibility = models.PositiveSmallIntegerField(
        _("visibility"), choices=Image.Visibility, default=Image.Visibility.PRIVATE, db_default=Image.Visibility.PRIVATE
    )
    collection = models.ForeignKey(
        Collection,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("collection"),
        help_text=_("The picture is added to it."),
    )
    multipart_id = models.TextField(
        _("multipart upload"),
        blank=True,
        db_default="",
        help_text=_("S3's ID while a large file is sent in parts."),
    )
    part_size = models.BigIntegerField(
        _("part size"), null=True, blank=True, help_text=_("Bytes of each part except the last.")
    )
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.ISSUED)
    issued_at = models.DateTimeField(_("issued"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), db_default=Now())
    image = models.ForeignKey(
        Image, on_delete=models.SET_NULL, null=True, blank=True, related_name="uploads", verbose_name=_("picture")
    )
    is_new = models.BooleanField(
        _("new picture"), default=False, help_text=_("The library did not have this file before.")
    )
    reason = models.TextField(
        _("reason"), blank=True, help_text=_("Why the file was rejected, or the picture not added to the collection.")
    )
    may_retry = models.BooleanField(_("can be retried"), default=False)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="arrived"), name="upload_arrived"),
            models.Index(fields=["expires_at"], name="upload_expires"),
            models.Index(fields=["expires_at"], condition=~Q(multipart_id=""), name="upload_in_parts"),
        ]

    def __str__(self) -> str:
        return self.filename
