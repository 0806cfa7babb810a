"""What was sent to a recognizer and what it cost. The ledger is only ever added to."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from analysis.models.analyses import Analysis

FREE = Decimal(0)


class Call(models.Model):
    """One request that was sent, with its price at the time. A connection lost after sending counts as paid."""

    class Outcome(models.TextChoices):
        ANSWERED = "answered", "Answered"
        THROTTLED = "throttled", "Throttled"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    analysis = models.ForeignKey(Analysis, on_delete=models.SET_NULL, null=True, related_name="calls")
    recognizer = models.CharField(max_length=20)
    region = models.CharField(max_length=30, blank=True)
    api = models.CharField("API", max_length=12, choices=Analysis.Api)
    sent_at = models.DateTimeField(db_default=Now(), db_index=True)
    outcome = models.CharField(max_length=9, choices=Outcome)
    error_code = models.CharField(max_length=80, blank=True)
    price = models.DecimalField(max_digits=9, decimal_places=6, default=FREE, help_text="US dollars.")
    request_id = models.CharField(max_length=80, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="call_request_id"),
            models.Index(fields=["api", "recognizer", "id"], name="call_kind"),
            models.Index(fields=["outcome", "id"], condition=~Q(outcome="answered"), name="call_otherwise"),
        ]

    def __str__(self) -> str:
        return f"{self.api} {self.outcome} at {self.sent_at:%Y-%m-%d %H:%M:%S}"


class SpendColumns(models.Model):
    """What a day, an API, a region and a recognizer came to."""

    day = models.DateField()
    recognizer = models.CharField(max_length=20)
    region = models.CharField(max_length=30, blank=True)
    api = models.CharField("API", max_length=12, choices=Analysis.Api)
    is_bulk = models.BooleanField("bulk", default=False)
    calls = models.PositiveIntegerField(default=0, help_text="Requests sent.")
    answered = models.PositiveIntegerField(default=0)
    dollars = models.DecimalField(max_digits=12, decimal_places=6, default=FREE)
    reused = models.PositiveIntegerField(default=0, help_text="Answers taken from the store instead of paid for.")
    saved = models.DecimalField(max_digits=12, decimal_places=6, default=FREE, help_text="US dollars not spent.")

    class Meta:
        abstract = True


class Spend(SpendColumns):
    """Folded from SpendEntry: one row a day and kind."""

    class Meta:
        verbose_name_plural = "spend"
        constraints = [
            models.UniqueConstraint(fields=["day", "recognizer", "region", "api", "is_bulk"], name="spend_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.api}: {self.dollars} USD"


class SpendEntry(SpendColumns):
    """One batch of calls' worth, appended with them, so that no row is waited for. Folded into Spend and deleted."""

    class Meta:
        verbose_name_plural = "spend entries"

    def __str__(self) -> str:
        return f"{self.day} {self.api}: {self.dollars} USD, not folded yet"
