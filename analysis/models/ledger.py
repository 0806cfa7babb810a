"""The ledger of paid requests. Rows are only added, never changed."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.formats import localize
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from analysis.models.analyses import Analysis

FREE = Decimal(0)


class Call(models.Model):
    """One request and its price at the time.

    A request whose connection was lost counts as paid: AWS may bill it.
    """

    class Outcome(models.TextChoices):
        ANSWERED = "answered", _("Succeeded")
        THROTTLED = "throttled", _("Throttled")
        FAILED = "failed", _("Failed")
        UNKNOWN = "unknown", _("Unknown")

    # What was paid stays in the ledger when a picture is deleted with its analyses.
    analysis = models.ForeignKey(
        Analysis, on_delete=models.SET_NULL, null=True, related_name="calls", verbose_name=_("analysis")
    )
    recognizer = models.CharField(_("recognizer"), max_length=20)
    region = models.CharField(_("region"), max_length=30, blank=True)
    api = models.CharField(_("API"), max_length=12, choices=Analysis.Api)
    sent_at = models.DateTimeField(_("sent"), db_default=Now(), db_index=True)
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome)
    error_code = models.CharField(_("error code"), max_length=80, blank=True)
    price = models.DecimalField(_("price"), max_digits=9, decimal_places=6, default=FREE, help_text=_("US dollars."))
    request_id = models.CharField(_("request ID"), max_length=80, blank=True)
    latency_ms = models.PositiveIntegerField(_("response time (ms)"), null=True, blank=True)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        indexes = [
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="call_request_id"),
            models.Index(fields=["api", "recognizer", "id"], name="call_kind"),
            models.Index(fields=["outcome", "id"], condition=~Q(outcome="answered"), name="call_otherwise"),
        ]

    def __str__(self) -> str:
        return f"{self.api}: {self.get_outcome_display()}, {localize(localtime(self.sent_at))}"


class SpendColumns(models.Model):
    """Calls and cost per day, API, region and recognizer."""

    day = models.DateField(_("day"))
    recognizer = models.CharField(_("recognizer"), max_length=20)
    region = models.CharField(_("region"), max_length=30, blank=True)
    api = models.CharField(_("API"), max_length=12, choices=Analysis.Api)
    is_bulk = models.BooleanField(_("bulk"), default=False)
    calls = models.PositiveIntegerField(_("calls"), default=0, help_text=_("Requests sent."))
    answered = models.PositiveIntegerField(_("succeeded"), default=0)
    dollars = models.DecimalField(_("cost"), max_digits=12, decimal_places=6, default=FREE)
    reused = models.PositiveIntegerField(
        _("from cache"), default=0, help_text=_("Results copied from stored responses, at no cost.")
    )
    saved = models.DecimalField(
        _("saved"), max_digits=12, decimal_places=6, default=FREE, help_text=_("US dollars saved by the cache.")
    )

    class Meta:
        abstract = True


class Spend(SpendColumns):
    """Aggregated from SpendEntry."""

    class Meta:
        verbose_name = _("spend")
        verbose_name_plural = _("spend")
        constraints = [
            models.UniqueConstraint(fields=["day", "recognizer", "region", "api", "is_bulk"], name="spend_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.api}: {self.dollars} USD"


class SpendEntry(SpendColumns):
    """Amounts to be added to Spend.

    Workers append rows here, since their updates of one Spend row would block each other.
    """

    class Meta:
        verbose_name = _("spend entry")
        verbose_name_plural = _("spend entries")

    def __str__(self) -> str:
        return f"{self.day} {self.api}: {self.dollars} USD, not aggregated yet"
