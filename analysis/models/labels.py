"""The words pictures can be found by, where they come from, and what people said of them."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from analysis.models.analyses import Analysis
from analysis.models.images import Image


class Label(models.Model):
    """One word of one kind. Names are the recognizer's own; people's words are tags."""

    class Kind(models.TextChoices):
        LABEL = "label", "Label"
        CELEBRITY = "celebrity", "Celebrity"
        EMOTION = "emotion", "Emotion"
        FACE = "face", "Face"
        COLOR = "color", "Color"
        MODERATION = "moderation", "Moderation"
        TAG = "tag", "Tag"

    id = models.AutoField(primary_key=True)  # four bytes: it stands in every row that search reads
    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=100, blank=True)
    parents = models.ManyToManyField("self", symmetrical=False, related_name="children", blank=True)
    is_hidden = models.BooleanField("hidden", default=False, help_text="Shown nowhere and found only by its kind.")
    threshold = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
        help_text="Percent: what the recognizer is less sure of does not count.",
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        help_text="The label that stands for this one, whatever a recognizer says.",
    )
    revision = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Counts people's changes, so that none is overwritten."
    )
    reindex_cursor = models.BigIntegerField(
        null=True, blank=True, help_text="Pictures after this one are still to be indexed anew; empty: none."
    )
    image_count = models.PositiveIntegerField(default=0, help_text="Refreshed now and then; steers the search.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "kind",
                Lower("name"),
                name="label_name_once_per_kind",
                violation_error_message="There is a label of this kind and name already.",
            ),
            models.CheckConstraint(condition=Q(threshold=None) | Q(threshold__lte=100), name="label_threshold_percent"),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="label_not_merged_into_itself"),
        ]
        indexes = [models.Index(Lower("name"), name="label_name")]

    def __str__(self) -> str:
        return self.name


class LabelAlias(models.Model):
    """Another name a label is found by."""

    name = models.CharField(max_length=200)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name_plural = "label aliases"
        constraints = [models.UniqueConstraint(Lower("name"), "label", name="label_alias_once")]

    def __str__(self) -> str:
        return self.name


class ImageLabel(models.Model):
    """A picture carries a label: what search reads. Derived from the current analyses and the verdicts, only from them.

    Carries the sort key and what decides who may see the picture, so that a page of results comes from one index.
    Pictures in the trash have no rows here. `confidence` is in hundredths of a percent (9,950 is 99.5 %).
    """

    pk = models.CompositePrimaryKey("image_id", "label_id")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="image_labels", db_index=False)
    added_at = models.DateTimeField()
    analysis = models.ForeignKey(
        Analysis, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="+", db_index=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    confidence = models.SmallIntegerField()
    instance_count = models.SmallIntegerField(default=0)
    visibility = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(confidence__gte=0, confidence__lte=10_000), name="imagelabel_percent")
        ]
        indexes = [
            models.Index(
                fields=["label", "-added_at", "-image"],
                include=["confidence", "owner", "visibility"],
                name="imagelabel_walk",
            ),
        ]

    @property
    def percent(self) -> float:
        return self.confidence / 100


class FileKeyword(models.Model):
    """A keyword that a picture's file or sidecar carries, as a tag. What people reject stays rejected."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="file_keywords", db_index=False)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="file_keywords")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "label"], name="filekeyword_once")]

    def __str__(self) -> str:
        return f"{self.label} in the file of {self.image_id}"


class Verdict(models.Model):
    """What a person said of a label on a picture. Outlives every analysis."""

    class Decision(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed"
        REJECTED = "rejected", "Rejected"
        ADDED = "added", "Added"

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="verdicts")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="verdicts", db_index=False)
    decision = models.CharField(max_length=10, choices=Decision)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="verdicts")
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "label"], name="verdict_one_per_label")]
        indexes = [models.Index(fields=["label", "decision"], name="verdict_judged")]

    def __str__(self) -> str:
        return f"{self.label} {self.decision} on {self.image_id}"
