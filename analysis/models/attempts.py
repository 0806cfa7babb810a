from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class AttemptCount(models.Model):
    """Attempts such as failed sign-ins, in an installation without Redis.

    Keys are digests: neither names nor tokens are stored.
    """

    key = models.CharField(_("key"), max_length=200, primary_key=True)
    number = models.PositiveIntegerField(_("number"), default=0)
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("attempt count")
        verbose_name_plural = _("attempt counts")

    def __str__(self) -> str:
        return self.key
