from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Backup(models.Model):
    """A complete backup, so that the health check knows the latest."""

    location = models.CharField(_("location"), max_length=1024)
    name = models.CharField(_("name"), max_length=40)
    created_at = models.DateTimeField(_("created"), db_index=True)
    pictures = models.BigIntegerField(_("pictures"))
    files = models.BigIntegerField(_("files"))
    bytes = models.BigIntegerField(_("bytes"))
    missing = models.BigIntegerField(_("missing files"), help_text=_("Files that were missing from the library."))

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.location} {self.name}"
