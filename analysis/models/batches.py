"""Bulk runs over the library: what was asked, how far it is, and how it ended."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class BatchColumns(models.Model):
    """How the analyses of a batch ended."""

    done = models.PositiveIntegerField(default=0, help_text="Analyses answered, from the store or by the recognizer.")
    failed = models.PositiveIntegerField(default=0)
    reused = models.PositiveIntegerField(default=0, help_text="Of those answered: from the store, not paid for.")
    dollars = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0), help_text="US dollars spent.")

    class Meta:
        abstract = True


class Batch(BatchColumns):
    """A bulk run: the pictures of a query, gone through newest first, so many at a time."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        STOPPED = "stopped", "Stopped by a budget"
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Done"

    class Scope(models.TextChoices):
        ALL = "all", "All of them"
        MISSING = "missing", "Those without an answer of the present recognizer"
        FAILED = "failed", "Those that failed last time"
        OUTDATED = "outdated", "Those answered by an older model"

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="batches",
        help_text="Who started it.",
    )
    all_owners = models.BooleanField("of everybody", default=False, help_text="Not only that person's pictures.")
    query = models.TextField(blank=True, help_text="As typed into the search box; empty is the whole library.")
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.ALL)
    uses_id_list = models.BooleanField("of named pictures", default=False, help_text="Only those in BatchImage.")
    older_than = models.CharField(max_length=40, blank=True, help_text="Model version, for the outdated.")
    error_code = models.CharField(max_length=80, blank=True, help_text="Of the failed: only those of this cause.")
    since = models.DateTimeField(null=True, blank=True, help_text="Only pictures added since.")
    recognizer = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict, help_text="By API: what each is asked with.")
    is_forced = models.BooleanField("forced", default=False, help_text="Ask again although an answer is stored.")
    is_sample = models.BooleanField("sample", default=False, help_text="Its answers are kept, but change nothing.")
    limit = models.PositiveIntegerField(null=True, blank=True, help_text="Most pictures.")
    budget = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True, help_text="US dollars.")
    rate = models.FloatField(null=True, blank=True, help_text="Calls a second of each API at most.")
    mail_to = models.EmailField(blank=True, help_text="Where the report goes.")

    token = models.UUIDField(
        null=True, blank=True, unique=True, editable=False, help_text="Of the estimate it was started from, once."
    )

    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    reason = models.TextField(blank=True, help_text="Why it stopped.")
    place = models.CharField(max_length=100, blank=True, help_text="How far it is laid out.")
    is_fully_queued = models.BooleanField("laid out", default=False)
    images = models.PositiveIntegerField(default=0, help_text="Pictures laid out so far.")
    asked = models.PositiveIntegerField(default=0, help_text="Analyses queued so far.")
    expected = models.PositiveIntegerField(null=True, blank=True, help_text="Analyses there will be, as counted.")
    pace = models.FloatField(default=0, help_text="Analyses a second that ended lately.")
    aggregated_at = models.DateTimeField(db_default=Now(), help_text="When its entries were last folded.")
    skipped = models.PositiveIntegerField(default=0, help_text="Analyses that another run had under way.")
    mailed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now(), help_text="When somebody last paused or resumed it.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(condition=Q(budget=None) | Q(budget__gte=0), name="batch_budget_not_negative"),
            models.CheckConstraint(condition=Q(rate=None) | Q(rate__gt=0), name="batch_rate_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["done", "cancelled"], finished_at__isnull=False)
                | (~Q(state__in=["done", "cancelled"]) & Q(finished_at=None)),
                name="batch_ended_has_its_time",
            ),
        ]
        indexes = [models.Index(fields=["state"], condition=Q(state="running"), name="batch_running")]

    def __str__(self) -> str:
        return f"Batch {self.pk}"

    @property
    def apis(self) -> list[str]:
        return sorted(self.parameters)


class BatchImage(models.Model):
    """A picture that a batch names: from a file of ids, from a selection, or drawn for a sample."""

    pk = models.CompositePrimaryKey("batch_id", "image_id")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="named", db_index=False)
    image_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.image_id} of {self.batch_id}"


class BatchEntry(BatchColumns):
    """What some analyses came to, appended when they end, so that no row is waited for. Folded into Batch."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="entries")

    class Meta:
        verbose_name_plural = "batch entries"

    def __str__(self) -> str:
        return f"{self.done} done, {self.failed} failed of {self.batch_id}"


class Heartbeat(models.Model):
    """When something was last known to be alive, by the database's clock: what a beat brings through the queue."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(db_default=Now())
    host = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
