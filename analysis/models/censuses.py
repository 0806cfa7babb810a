from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from analysis.models.buckets import Bucket


class BucketCensus(models.Model):
    """The last census of a bucket, for its page."""

    bucket = models.OneToOneField(Bucket, on_delete=models.CASCADE, related_name="census", verbose_name=_("bucket"))
    made_at = models.DateTimeField(_("made"))
    inventory_at = models.DateTimeField(_("inventory of"), null=True, blank=True)
    location = models.CharField(_("location"), max_length=2_048, help_text=_("Where the inventory is stored."))
    is_complete = models.BooleanField(_("complete"), help_text=_("No part of the inventory was missing."))
    figures = models.JSONField(_("figures"))

    class Meta:
        verbose_name = _("census of a bucket")
        verbose_name_plural = _("censuses of buckets")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.bucket)
