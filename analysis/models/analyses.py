"""What was asked of a recognizer about a picture, and what it answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from analysis.models.batches import Batch
from analysis.models.images import Image

LEASE = timedelta(seconds=settings.LEASE_SECONDS)
"""How long a claim holds unless it is renewed, which the engine does four times as often."""


class AnalysisQuerySet(models.QuerySet["Analysis"]):
    def open(self) -> AnalysisQuerySet:
        """Queued or running: what a worker will end by itself, without anybody letting it go on."""
        return self.filter(state__in=[Analysis.State.QUEUED, Analysis.State.RUNNING])

    def unfinished(self) -> AnalysisQuerySet:
        """Open, or held back with its batch: nothing more is asked about such a picture meanwhile."""
        return self.filter(state__in=[Analysis.State.QUEUED, Analysis.State.RUNNING, Analysis.State.PAUSED])

    def current(self) -> AnalysisQuerySet:
        return self.filter(is_current=True)


class Analysis(models.Model):
    """One answer of one API on one picture. Never overwritten: asking again is a new row."""

    class Api(models.TextChoices):
        LABELS = "labels", "Labels"
        FACES = "faces", "Faces"
        CELEBRITIES = "celebrities", "Celebrities"
        TEXT = "text", "Text"
        MODERATION = "moderation", "Moderation"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Analyzing"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        PAUSED = "paused", "Paused"

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="analyses")
    api = models.CharField("API", max_length=12, choices=Api)
    recognizer = models.CharField(max_length=20)
    model_version = models.CharField(max_length=40, blank=True)
    parameters = models.JSONField(default=dict)

    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now(), help_text="When the sweeper announces it again.")
    claimed_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=80, blank=True, help_text="AWS's own, or ours.")
    error_message = models.TextField(blank=True)
    is_permanent = models.BooleanField("permanent", default=False, help_text="Asking again would fail again.")

    requested_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    request_id = models.CharField(max_length=80, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    answer = models.JSONField(null=True, blank=True, help_text="As received.")

    is_current = models.BooleanField("current", default=False)
    is_pinned = models.BooleanField("pinned", default=False)
    is_sample = models.BooleanField("sample", default=False)
    batch = models.ForeignKey(
        Batch, on_delete=models.SET_NULL, null=True, blank=True, related_name="analyses", db_index=False
    )
    is_bulk = models.BooleanField("bulk", default=False, help_text="Waits while somebody's upload is analyzed.")
    is_forced = models.BooleanField("forced", default=False, help_text="Asked although an answer is stored.")
    is_reused = models.BooleanField("reused", default=False, help_text="Answered from the store, not paid for.")
    price = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True, help_text="US dollars.")

    objects = AnalysisQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "analyses"
        constraints = [
            models.UniqueConstraint(fields=["image", "api"], condition=Q(is_current=True), name="analysis_one_current"),
            models.UniqueConstraint(
                fields=["image", "api"],
                condition=Q(state__in=["queued", "running", "paused"]),
                name="analysis_one_open",
            ),
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
                fields=["recognizer", "api", "is_bulk", "id"], condition=Q(state="queued"), name="analysis_queued"
            ),
            models.Index(fields=["claimed_until"], condition=Q(state="running"), name="analysis_running"),
            models.Index(fields=["-finished_at"], condition=Q(state="failed"), name="analysis_failed"),
            models.Index(fields=["api", "recognizer", "model_version", "id"], name="analysis_kind"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="analysis_ended"),
            models.Index(fields=["batch", "state"], condition=Q(batch__isnull=False), name="analysis_of_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.get_api_display()} of {self.image_id} by {self.recognizer}"

    def mark_failed(self, *, code: str, message: str, is_permanent: bool) -> bool:
        """End this attempt and the analysis; False if another worker holds the claim by now."""
        return self._release(
            state=Analysis.State.FAILED,
            finished_at=Now(),
            error_code=code,
            error_message=message,
            is_permanent=is_permanent,
        )

    def requeue(self, *, code: str, message: str, after: timedelta, is_attempt: bool = True) -> None:
        """End this attempt and queue the analysis again, due `after` a delay; until then pages show the error.

        `is_attempt` False: the image was not at fault, so the attempt is not counted.
        """
        self._release(
            state=Analysis.State.QUEUED,
            next_attempt_at=Now() + after,
            error_code=code,
            error_message=message,
            attempts=F("attempts") - (0 if is_attempt else 1),
        )

    def _release(self, **columns: Any) -> bool:
        # Only the holder of the claim may end it: after its expiry another worker may have claimed the analysis.
        held = Analysis.objects.filter(pk=self.pk, state=Analysis.State.RUNNING, claimed_until=self.claimed_until)
        return held.update(claimed_until=None, price=None, **columns) == 1
