from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RateLimitState(models.Model):
    """State of the rate limiter of an API, in an installation without Redis."""

    key = models.CharField(_("API"), max_length=200, primary_key=True)
    values = models.JSONField(_("state"), default=dict)

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")

    def __str__(self) -> str:
        return self.key
