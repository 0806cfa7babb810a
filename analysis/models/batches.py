"""Bulk runs: their options, progress and outcome."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from imagelib.accounts.models import ApiToken


# The run and its entries both have these columns: workers append entries, which one statement adds to the run. If they
# updated the run's row, all workers would wait for its lock.
class BatchColumns(models.Model):
    """Counters of finished analyses."""

    done = models.PositiveIntegerField(
        _("done"), default=0, help_text=_("Analyses with a result, from the recognizer or from cache.")
    )
    failed = models.PositiveIntegerField(_("failed"), default=0)
    reused = models.PositiveIntegerField(_("from cache"), default=0, help_text=_("Done analyses that cost nothing."))
    dollars = models.DecimalField(
        _("spent"), max_digits=12, decimal_places=6, default=Decimal(0), help_text=_("US dollars.")
    )

    class Meta:
        abstract = True


class Batch(BatchColumns):
    """A bulk run: analyses of a query's results or of listed pictures."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped by budget")
        CANCELLED = "cancelled", _("Canceled")
        DONE = "done", _("Done")

    class Scope(models.TextChoices):
        ALL = "all", _("All pictures")
        MISSING = "missing", _("Not analyzed by the current recognizer")
        FAILED = "failed", _("Failed analyses")
        OUTDATED = "outdated", _("Analyzed by an older model version")

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="batches",
        verbose_name=_("started by"),
    )
    is_by_account = models.BooleanField(
        _("by an account"),
        default=False,
        help_text=_("Started by an account, not from the command line. Stays set if the account is deleted."),
    )
    all_owners = models.BooleanField(
        _("all owners"), default=False, help_text=_("Not limited to the user's own pictures.")
    )
    query = models.TextField(
        _("search"), blank=True, help_text=_("As typed into the search box. Leave empty for the entire library.")
    )
    scope = models.CharField(_("scope"), max_length=8, choices=Scope, default=Scope.ALL)
    uses_id_list = models.BooleanField(_("listed pictures only"), default=False)
    older_than = models.CharField(
        _("older than"),
        max_length=40,
        blank=True,
        help_text=_("Model version that counts as new, for the scope “older model version”."),
    )
    error_code = models.CharField(
        _("error code"), max_length=80, blank=True, help_text=_("Only analyses that failed with this code.")
    )
    since = models.DateTimeField(
        _("added since"), null=True, blank=True, help_text=_("Only pictures added at this time or later.")
    )
    recognizer = models.CharField(_("recognizer"), max_length=20)
    parameters = models.JSONField(_("parameters"), default=dict, help_text=_("Request parameters for each API."))
    is_forced = models.BooleanField(_("forced"), default=False, help_text=_("Re-run even if a result exists."))
    is_sample = models.BooleanField(
        _("sample"), default=False, help_text=_("For comparison only: results are stored but not used.")
    )
    limit = models.PositiveIntegerField(_("limit"), null=True, blank=True, help_text=_("Maximum number of pictures."))
    budget = models.DecimalField(
        _("budget"), max_digits=12, decimal_places=6, null=True, blank=True, help_text=_("US dollars.")
    )
    rate = models.FloatField(
        _("rate limit"), null=True, blank=True, help_text=_("Maximum calls per second for each API.")
    )
    mail_to = models.EmailField(_("email"), blank=True, help_text=_("Address that the report is sent to."))

    # Unique in the database: a double click sends the form twice, and both requests may be handled at the same time.
    token = models.UUIDField(
        _("token"),
        null=True,
        blank=True,
        unique=True,
        editable=False,
        help_text=_("From the estimate's form, so that each form starts only one run."),
    )
    api_token = models.ForeignKey(
        ApiToken,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="batches",
        verbose_name=_("API token"),
        help_text=_("The token that started the run. Costs count toward its spending limit."),
    )

    state = models.CharField(_("state"), max_length=9, choices=State, default=State.RUNNING)
    reason = models.TextField(_("reason"), blank=True, help_text=_("Why it stopped or paused."))
    # A cursor, not an offset: pictures are added and deleted while a run of a million is queued for minutes.
    cursor = models.CharField(
        _("cursor"), max_length=100, blank=True, db_column="place", help_text=_("Progress of queueing.")
    )
    is_fully_queued = models.BooleanField(_("fully queued"), default=False)
    images = models.PositiveIntegerField(_("pictures"), default=0, help_text=_("Pictures queued so far."))
    queued = models.PositiveIntegerField(
        _("analyses"), default=0, db_column="asked", help_text=_("Analyses queued so far.")
    )
    expected = models.PositiveIntegerField(
        _("expected"), null=True, blank=True, help_text=_("Total analyses according to the estimate.")
    )
    pace = models.FloatField(_("throughput"), default=0, help_text=_("Recently finished analyses per second."))
    aggregated_at = models.DateTimeField(
        _("aggregated"), db_default=Now(), help_text=_("When the counters were last updated from entries.")
    )
    skipped = models.PositiveIntegerField(
        _("skipped"), default=0, help_text=_("Analyses already in progress in another bulk run.")
    )
    mailed_at = models.DateTimeField(_("report sent"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    changed_at = models.DateTimeField(_("changed"), db_default=Now(), help_text=_("Last pause or resume."))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("bulk run")
        verbose_name_plural = _("bulk runs")
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
        return f"Bulk run {self.pk}"

    @property
    def apis(self) -> list[str]:
        return sorted(self.parameters)

    @property
    def is_orphaned(self) -> bool:
        """True if the account that started it was deleted.

        Such a run has no permissions at all, unlike one of the command line.
        """
        return self.is_by_account and self.person_id is None


class BatchImage(models.Model):
    """A picture listed by a batch."""

    pk = models.CompositePrimaryKey("batch_id", "image_id")
    batch = models.ForeignKey(
        Batch, on_delete=models.CASCADE, related_name="named", db_index=False, verbose_name=_("bulk run")
    )
    image_id = models.BigIntegerField(_("picture ID"))

    class Meta:
        verbose_name = _("picture of a bulk run")
        verbose_name_plural = _("pictures of bulk runs")

    def __str__(self) -> str:
        return f"{self.image_id} of {self.batch_id}"


class BatchEntry(BatchColumns):
    """Counters to be added to a batch.

    Workers append rows here, as updates of one Batch row would block each other.
    """

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="entries", verbose_name=_("bulk run"))

    class Meta:
        verbose_name = _("bulk run entry")
        verbose_name_plural = _("bulk run entries")

    def __str__(self) -> str:
        return f"{self.done} done, {self.failed} failed of {self.batch_id}"
