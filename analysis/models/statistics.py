"""Figures kept ready, so that a page about a million pictures need not count them. Derived: they may be made anew.

Rows without an owner are everybody's together.
"""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from analysis.models.analyses import Analysis


class StatisticsRun(models.Model):
    """When a kind of figures was last counted and how long that took: what takes longer is done less often."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField(db_default=Now())
    seconds = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"


class SpanColumns(models.Model):
    """An hour or a day of UTC. Hours are kept for the last two days."""

    is_hour = models.BooleanField("hour", default=False, help_text="Else a day.")
    start = models.DateTimeField()

    class Meta:
        abstract = True


class AddedStatistics(SpanColumns):
    """Of the pictures that there are: how many of one person, or of all, were added in an hour or a day."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    pictures = models.PositiveIntegerField(help_text="Not in the trash.")
    bytes = models.BigIntegerField(help_text="Of originals that are kept here, also of those in the trash.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "is_hour", "start"], nulls_distinct=False, name="added_statistics_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pictures} added from {self.start}"


class EndedStatistics(SpanColumns):
    """Of one person's pictures, or of all: how many analyses of an API ended in an hour or a day."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    recognizer = models.CharField(max_length=20)
    api = models.CharField("API", max_length=12, choices=Analysis.Api)
    answered = models.PositiveIntegerField(help_text="By the recognizer.")
    reused = models.PositiveIntegerField(help_text="From the store, not paid for.")
    failed = models.PositiveIntegerField()
    dollars = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0), help_text="What answers cost.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "is_hour", "start", "recognizer", "api"],
                nulls_distinct=False,
                name="ended_statistics_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.answered} answered from {self.start}"


class LatencyStatistics(SpanColumns):
    """Counts of API responses by duration bin; each bin is 19 % longer than the one before."""

    recognizer = models.CharField(max_length=20)
    api = models.CharField("API", max_length=12, choices=Analysis.Api)
    step = models.PositiveSmallIntegerField()
    answers = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_hour", "start", "recognizer", "api", "step"], name="latency_statistics_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.answers} answers of step {self.step}"


class ConfidenceStatistics(models.Model):
    """How many labels of one person's pictures, or of all, are of a confidence: steps of five percent from nothing."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    step = models.PositiveSmallIntegerField()
    labels = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "step"], nulls_distinct=False, name="confidence_statistics_once")
        ]

    def __str__(self) -> str:
        return f"{self.labels} labels of step {self.step}"
