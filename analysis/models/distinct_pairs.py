"""Pairs of similar pictures that their owner marked as not duplicates."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.images import Image


class DistinctPair(models.Model):
    """Two pictures that are not duplicates, the one with the smaller id first.

    Pairs, not groups: a third picture that looks like both was not marked, so it is still suggested.
    """

    pk = models.CompositePrimaryKey("first_id", "second_id")
    # No separate index, since the primary key begins with it.
    first = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("first picture")
    )
    second = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+", verbose_name=_("second picture"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("user"),
    )
    # The time of the bulk change that added it, by which Undo finds its pairs.
    marked_at = models.DateTimeField(_("marked"), db_default=Now())

    class Meta:
        verbose_name = _("pair of different pictures")
        verbose_name_plural = _("pairs of different pictures")
        constraints = [models.CheckConstraint(condition=Q(first__lt=F("second")), name="distinctpair_in_order")]

    def __str__(self) -> str:
        return f"{self.first_id}, {self.second_id}"
