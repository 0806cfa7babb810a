from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Installation(models.Model):
    """Facts about the installation as a whole.

    One row, created when there is a fact to store.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    welcome_dismissed_at = models.DateTimeField(
        _("welcome page dismissed"), null=True, blank=True, help_text=_("Empty while pages link to it.")
    )

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installation")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_one_row")]

    def __str__(self) -> str:
        return gettext("Welcome page")
