"""Folders of imported and uploaded pictures, and of buckets."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5
from django.utils.translation import gettext_lazy as _

from analysis.models.expressions import FoldedTrigrams

PATH_LENGTH = 1_024  # S3's maximum for a whole key, in bytes


class Folder(models.Model):
    """One folder of an owner's uploads and imports, or of a bucket.

    Who may see a folder is not stored: it depends on the pictures in it and below it.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="folders",
        db_index=False,
        verbose_name=_("owner"),
    )
    bucket = models.ForeignKey(
        "Bucket", on_delete=models.CASCADE, null=True, related_name="folders", db_index=False, verbose_name=_("bucket")
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="children", verbose_name=_("parent")
    )
    path = models.CharField(_("path"), max_length=PATH_LENGTH, help_text=_("Names from the top, separated by slashes."))
    name = models.CharField(_("name"), max_length=PATH_LENGTH)

    class Meta:
        verbose_name = _("folder")
        verbose_name_plural = _("folders")
        constraints = [
            # Over the hash, since a path may be too long for an entry of a B-tree.
            models.UniqueConstraint("owner", MD5("path"), condition=Q(bucket=None), name="folder_once_per_owner"),
            models.UniqueConstraint("bucket", MD5("path"), condition=Q(owner=None), name="folder_once_per_bucket"),
            models.CheckConstraint(
                condition=Q(owner=None, bucket__isnull=False) | Q(owner__isnull=False, bucket=None),
                name="folder_of_owner_or_bucket",
            ),
        ]
        indexes = [GinIndex(FoldedTrigrams("path"), name="folder_paths", fastupdate=False)]

    def __str__(self) -> str:
        return self.path
