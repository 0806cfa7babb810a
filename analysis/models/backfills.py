from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Backfill(models.Model):
    """A new column that is still being filled for older pictures.

    A migration adds the row. The job deletes it after the newest picture.
    """

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    cursor = models.BigIntegerField(_("cursor"), default=0, help_text=_("Pictures with higher IDs are not filled yet."))

    class Meta:
        verbose_name = _("backfill")
        verbose_name_plural = _("backfills")

    def __str__(self) -> str:
        return self.name
