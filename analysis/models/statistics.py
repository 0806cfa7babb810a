"""Precomputed counts for the dashboard (`manage.py rebuild_statistics`).

Rows without an owner are totals over all owners.
"""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.formats import localize
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from analysis.models.analyses import Analysis


class StatisticsRun(models.Model):
    """Time and duration of the last update of a table.

    Slow ones are updated less often.
    """

    name = models.CharField(_("name"), max_length=20, primary_key=True)
    at = models.DateTimeField(_("updated"), db_default=Now())
    seconds = models.FloatField(_("duration (s)"), default=0)

    class Meta:
        verbose_name = _("statistics run")
        verbose_name_plural = _("statistics runs")

    def __str__(self) -> str:
        return self.name


class SpanColumns(models.Model):
    """An hour or a day in UTC. Hours are kept for 400 days, of latencies for two."""

    is_hour = models.BooleanField(_("hour"), default=False, help_text=_("An hour; otherwise a day."))
    start = models.DateTimeField(_("start"))

    class Meta:
        abstract = True


class AddedStatistics(SpanColumns):
    """Pictures in the library by the time they were added."""

    # No separate index, since the unique constraint of each table begins with the owner.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("owner"),
    )
    pictures = models.PositiveIntegerField(_("pictures"), help_text=_("Without the trash."))
    bytes = models.BigIntegerField(
        _("bytes"), help_text=_("Size of the originals in imagelib's storage, including the trash.")
    )

    class Meta:
        verbose_name = _("pictures added")
        verbose_name_plural = _("pictures added")
        constraints = [
            models.UniqueConstraint(
                # By default NULLs are distinct in a unique index, so each refresh would add another total over all
                # owners (NULLS NOT DISTINCT: PostgreSQL 15 and later).
                fields=["owner", "is_hour", "start"],
                nulls_distinct=False,
                name="added_statistics_once",
            )
        ]

    def __str__(self) -> str:
        return f"{localize(localtime(self.start))}: {self.pictures}"


class EndedStatistics(SpanColumns):
    """Analyses by the time they finished."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("owner"),
    )
    recognizer = models.CharField(_("recognizer"), max_length=20)
    api = models.CharField(_("API"), max_length=12, choices=Analysis.Api)
    answered = models.PositiveIntegerField(_("done"), help_text=_("With a result from the recognizer."))
    reused = models.PositiveIntegerField(_("from cache"), help_text=_("With a stored result, at no cost."))
    failed = models.PositiveIntegerField(_("failed"))
    dollars = models.DecimalField(
        _("cost"), max_digits=12, decimal_places=6, default=Decimal(0), help_text=_("US dollars.")
    )

    class Meta:
        verbose_name = _("analyses finished")
        verbose_name_plural = _("analyses finished")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "is_hour", "start", "recognizer", "api"],
                nulls_distinct=False,
                name="ended_statistics_once",
            )
        ]

    def __str__(self) -> str:
        return f"{localize(localtime(self.start))}: {self.answered}"


class LatencyStatistics(SpanColumns):
    """Counts of API responses by duration bin.

    Each bin is 19 % longer than the one before.
    """

    recognizer = models.CharField(_("recognizer"), max_length=20)
    api = models.CharField(_("API"), max_length=12, choices=Analysis.Api)
    # Bins rather than percentiles: bins of many hours can be added up, percentiles can't.
    step = models.PositiveSmallIntegerField(_("bin"))
    answers = models.PositiveIntegerField(_("responses"))

    class Meta:
        verbose_name = _("response times")
        verbose_name_plural = _("response times")
        constraints = [
            models.UniqueConstraint(
                fields=["is_hour", "start", "recognizer", "api", "step"], name="latency_statistics_once"
            )
        ]

    def __str__(self) -> str:
        return f"bin {self.step}: {self.answers}"


class ConfidenceStatistics(models.Model):
    """Counts of labels on pictures by confidence, in bins of five percent."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("owner"),
    )
    step = models.PositiveSmallIntegerField(_("bin"))
    labels = models.PositiveIntegerField(_("labels"))

    class Meta:
        verbose_name = _("label confidence")
        verbose_name_plural = _("label confidence")
        constraints = [
            models.UniqueConstraint(fields=["owner", "step"], nulls_distinct=False, name="confidence_statistics_once")
        ]

    def __str__(self) -> str:
        return f"bin {self.step}: {self.labels}"
