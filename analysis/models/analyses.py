"""Analyses: requests to a recognizer's API about one picture, and their results."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.batches import Batch
from analysis.models.images import Image

LEASE = timedelta(seconds=settings.LEASE_SECONDS)
"""Lifetime of a claim. The engine renews it four times as often, so only a dead worker's claims expire."""


class AnalysisQuerySet(models.QuerySet["Analysis"]):
    def open(self) -> AnalysisQuerySet:
        """Queued or running: workers will finish these without anyone resuming them."""
        return self.filter(state__in=[Analysis.State.QUEUED, Analysis.State.RUNNING])

    def unfinished(self) -> AnalysisQuerySet:
        """Open or paused with their batch.

        A picture can have only one such analysis per API.
        """
        return self.filter(state__in=[Analysis.State.QUEUED, Analysis.State.RUNNING, Analysis.State.PAUSED])

    def current(self) -> AnalysisQuerySet:
        return self.filter(is_current=True)


class Analysis(models.Model):
    """One request to one API about one picture, and its result.

    Re-analysis adds a row and never overwrites one.
    """

    class Api(models.TextChoices):
        LABELS = "labels", _("Labels")
        FACES = "faces", _("Faces")
        CELEBRITIES = "celebrities", _("Celebrities")
        TEXT = "text", _("Text")
        MODERATION = "moderation", _("Moderation")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Analyzing")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        PAUSED = "paused", _("Paused")

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="analyses", verbose_name=_("picture"))
    api = models.CharField(_("API"), max_length=12, choices=Api)
    recognizer = models.CharField(_("recognizer"), max_length=20)
    model_version = models.CharField(_("model version"), max_length=40, blank=True)
    parameters = models.JSONField(_("parameters"), default=dict)

    state = models.CharField(_("state"), max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # From the database's clock, since workers on several machines compare these times and their clocks differ.
    next_attempt_at = models.DateTimeField(
        _("next attempt"), db_default=Now(), help_text=_("When a worker can claim it next.")
    )
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    error_code = models.CharField(
        _("error code"), max_length=80, blank=True, help_text=_("AWS's error code, or one of imagelib's.")
    )
    error_message = models.TextField(_("error message"), blank=True)
    # Kept apart from error_code: whether a retry helps is decided once, where the error is classified
    # (rekognition/errors.py).
    is_permanent = models.BooleanField(
        _("permanent"), default=False, help_text=_("A retry would fail in the same way.")
    )

    requested_at = models.DateTimeField(_("requested"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    request_id = models.CharField(_("request ID"), max_length=80, blank=True)
    latency_ms = models.PositiveIntegerField(_("response time (ms)"), null=True, blank=True)
    answer = models.JSONField(_("response"), null=True, blank=True, help_text=_("As received, unchanged."))

    is_current = models.BooleanField(_("current"), default=False)
    is_pinned = models.BooleanField(_("pinned"), default=False)
    is_sample = models.BooleanField(_("sample"), default=False)
    # No separate index: analysis_of_batch below begins with it, and is partial, since most analyses have no batch.
    batch = models.ForeignKey(
        Batch,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="analyses",
        db_index=False,
        verbose_name=_("bulk run"),
    )
    is_bulk = models.BooleanField(_("bulk"), default=False, help_text=_("Analyzed after uploads."))
    is_forced = models.BooleanField(_("forced"), default=False, help_text=_("Re-run although a result existed."))
    is_reused = models.BooleanField(
        _("from cache"), default=False, help_text=_("Result copied from a stored response, at no cost.")
    )
    # Reserved while it runs. Six decimals, since a call costs 0.001 or 0.00025 dollars, and no float, since sums must
    # equal AWS's bill.
    price = models.DecimalField(
        _("price"), max_digits=9, decimal_places=6, null=True, blank=True, help_text=_("US dollars.")
    )

    objects = AnalysisQuerySet.as_manager()

    class Meta:
        verbose_name = _("analysis")
        verbose_name_plural = _("analyses")
        constraints = [
            # Checked by the database, not before a save: two workers may finish analyses of one picture at the same
            # moment.
            models.UniqueConstraint(fields=["image", "api"], condition=Q(is_current=True), name="analysis_one_current"),
            models.UniqueConstraint(
                fields=["image", "api"],
                condition=Q(state__in=["queued", "running", "paused"]),
                name="analysis_one_open",
            ),
            # The search index is built from current rows alone, so none of them may lack a response.
            models.CheckConstraint(condition=Q(is_current=False) | Q(state="done"), name="analysis_current_is_done"),
            models.CheckConstraint(
                condition=~Q(state="done")
                | (~Q(model_version="") & Q(answer__isnull=False, finished_at__isnull=False)),
                name="analysis_done_is_complete",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | (~Q(error_code="") & Q(finished_at__isnull=False)),
                name="analysis_failed_says_why",
            ),
            models.CheckConstraint(
                condition=Q(state="running", claimed_until__isnull=False)
                | (~Q(state="running") & Q(claimed_until__isnull=True)),
                name="analysis_running_is_claimed",
            ),
        ]
        indexes = [
            models.Index(
                # Partial, so that finished analyses, of which there may be millions, do not slow claims.
                fields=["recognizer", "api", "is_bulk", "id"],
                condition=Q(state="queued"),
                name="analysis_queued",
            ),
            models.Index(fields=["claimed_until"], condition=Q(state="running"), name="analysis_running"),
            # For lists of failures, for which PostgreSQL would otherwise read millions of successes in analysis_ended.
            models.Index(fields=["-finished_at"], condition=Q(state="failed"), name="analysis_failed"),
            models.Index(fields=["api", "recognizer", "model_version", "id"], name="analysis_kind"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="analysis_ended"),
            models.Index(fields=["batch", "state"], condition=Q(batch__isnull=False), name="analysis_of_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.get_api_display()} of picture {self.image_id} ({self.recognizer})"

    def mark_failed(self, *, code: str, message: str, is_permanent: bool) -> bool:
        """End the analysis as failed. False if another worker has claimed it since."""
        return self._release(
            state=Analysis.State.FAILED,
            finished_at=Now(),
            error_code=code,
            error_message=message,
            is_permanent=is_permanent,
        )

    def requeue(self, *, code: str, message: str, after: timedelta, is_attempt: bool = True) -> None:
        """End this attempt and queue the analysis again, due `after` a delay.

        Until then pages show the error. `is_attempt` False: the image was not at fault, so the attempt is not counted.
        """
        self._release(
            state=Analysis.State.QUEUED,
            next_attempt_at=Now() + after,
            error_code=code,
            error_message=message,
            attempts=F("attempts") - (0 if is_attempt else 1),
        )

    def _release(self, **columns: Any) -> bool:
        # The claim may have expired and another worker may hold a new one: only the holder of the claim may end it.
        own = Analysis.objects.filter(pk=self.pk, state=Analysis.State.RUNNING, claimed_until=self.claimed_until)
        return own.update(claimed_until=None, price=None, **columns) == 1
