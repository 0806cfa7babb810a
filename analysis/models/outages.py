from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.analyses import Analysis


class Outage(models.Model):
    """An API that is unavailable for all pictures, such as for missing permissions.

    Deleted by a successful probe.
    """

    recognizer = models.CharField(_("recognizer"), max_length=20)
    api = models.CharField(_("API"), max_length=12, choices=Analysis.Api)
    code = models.CharField(_("error code"), max_length=80)
    message = models.TextField(_("error message"))
    since = models.DateTimeField(_("since"), db_default=Now())
    probe_at = models.DateTimeField(_("next probe"))
    probes = models.PositiveIntegerField(_("probes"), default=0)

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        constraints = [models.UniqueConstraint(fields=["recognizer", "api"], name="outage_once")]

    def __str__(self) -> str:
        return f"{self.recognizer} {self.api}: {self.code}"
