from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PendingBlob(models.Model):
    """A storage key without a picture.

    Saved before its blob, deleted in the transaction that saves the picture.

    Rows that remain are from crashes and deletions. A periodic task deletes their blobs, without listing the bucket to
    find orphans.
    """

    # Inserted before the file is written.
    key = models.CharField(_("storage key"), max_length=200, unique=True)
    since = models.DateTimeField(_("since"), db_default=Now(), db_index=True)

    class Meta:
        verbose_name = _("pending blob")
        verbose_name_plural = _("pending blobs")

    def __str__(self) -> str:
        return self.key
