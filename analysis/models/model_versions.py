from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.analyses import Analysis


class ModelVersion(models.Model):
    """A model version as named in a recognizer's responses.

    The one seen last is the current one.
    """

    recognizer = models.CharField(_("recognizer"), max_length=20)
    api = models.CharField(_("API"), max_length=12, choices=Analysis.Api)
    version = models.CharField(_("version"), max_length=40)
    first_seen_at = models.DateTimeField(_("first seen"), db_default=Now())
    last_seen_at = models.DateTimeField(_("last seen"), db_default=Now())

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        constraints = [models.UniqueConstraint(fields=["recognizer", "api", "version"], name="model_version_once")]

    def __str__(self) -> str:
        return f"{self.recognizer} {self.api} {self.version}"
