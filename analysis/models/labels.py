"""Labels and tags, the pictures that have them, and people's verdicts on them."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analysis.models.analyses import Analysis
from analysis.models.images import Image


class Label(models.Model):
    """A name of one kind.

    Recognizers' names are stored as they return them; names that people add are tags.
    """

    class Kind(models.TextChoices):
        LABEL = "label", _("Label")
        CELEBRITY = "celebrity", _("Celebrity")
        EMOTION = "emotion", _("Emotion")
        FACE = "face", _("Face")
        COLOR = "color", _("Color")
        MODERATION = "moderation", _("Moderation")
        TAG = "tag", _("Tag")

    id = models.AutoField(primary_key=True)  # four bytes: every row of the search index contains it
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    name = models.CharField(_("name"), max_length=200)
    category = models.CharField(_("category"), max_length=100, blank=True)
    parents = models.ManyToManyField(
        "self", symmetrical=False, related_name="children", blank=True, verbose_name=_("parents")
    )
    is_hidden = models.BooleanField(
        _("hidden"),
        default=False,
        help_text=_("Hidden from lists; still found by searches with its kind, such as label:dog."),
    )
    # Applied when the index is built, so that searches read no rows that they would discard.
    threshold = models.PositiveSmallIntegerField(
        _("minimum confidence"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
        help_text=_("Ignore results below this confidence (%)."),
    )
    # Kept as a separate row: recognizers continue to return the old name.
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        verbose_name=_("merged into"),
        help_text=_("Counts as this label in searches and on pictures."),
    )
    revision = models.PositiveIntegerField(
        _("revision"),
        default=0,
        db_default=0,
        help_text=_("Number of edits, to notice concurrent ones."),
    )
    reindex_cursor = models.BigIntegerField(
        _("reindex cursor"),
        null=True,
        blank=True,
        help_text=_("Pictures with higher IDs still need a reindex; empty if none do."),
    )
    ancestors_cursor = models.BigIntegerField(
        _("ancestors cursor"),
        null=True,
        blank=True,
        help_text=_("Pictures with higher IDs may still lack the label's ancestors; empty if none do."),
    )
    # An estimate on purpose, since with a counting trigger all imports would wait for the row of a common label.
    image_count = models.PositiveIntegerField(
        _("pictures"), default=0, help_text=_("Updated periodically; search starts from the rarest label.")
    )

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        constraints = [
            models.UniqueConstraint(
                "kind",
                Lower("name"),
                name="label_name_once_per_kind",
                violation_error_message=_("A label of this kind with this name already exists."),
            ),
            models.CheckConstraint(condition=Q(threshold=None) | Q(threshold__lte=100), name="label_threshold_percent"),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="label_not_merged_into_itself"),
        ]
        indexes = [models.Index(Lower("name"), name="label_name")]

    def __str__(self) -> str:
        return self.name


class LabelAncestor(models.Model):
    """A label and a broader one, any number of `Label.parents` above it.

    Derived from the parents by `recognition/label_ancestors.py`, for the labels that others were merged into. A label
    is never its own ancestor, even if parents form a cycle.
    """

    pk = models.CompositePrimaryKey("label_id", "ancestor_id")
    label = models.ForeignKey(
        Label, on_delete=models.CASCADE, related_name="ancestor_rows", db_index=False, verbose_name=_("label")
    )
    ancestor = models.ForeignKey(
        Label, on_delete=models.CASCADE, related_name="descendant_rows", verbose_name=_("ancestor")
    )

    class Meta:
        verbose_name = _("label ancestor")
        verbose_name_plural = _("label ancestors")

    def __str__(self) -> str:
        return f"{self.ancestor_id} above {self.label_id}"


KIND_TITLES = {
    Label.Kind.LABEL: _("Labels"),
    Label.Kind.TAG: _("Tags"),
    Label.Kind.CELEBRITY: _("Celebrities"),
    Label.Kind.EMOTION: _("Emotions"),
    Label.Kind.FACE: _("Faces"),
    Label.Kind.MODERATION: _("Moderation"),
    Label.Kind.COLOR: _("Colors"),
}
"""Headings of the kinds, in the order of the filters."""


def group_title(kind: str, category: str) -> str:
    """Heading of a label's group: its category for recognizers' labels, else its kind."""
    if kind == Label.Kind.LABEL:
        return category or gettext("Other")
    return str(KIND_TITLES[Label.Kind(kind)])


class LabelAlias(models.Model):
    """An alternative name of a label."""

    name = models.CharField(_("name"), max_length=200)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="aliases", verbose_name=_("label"))

    class Meta:
        verbose_name = _("label alias")
        verbose_name_plural = _("label aliases")
        constraints = [models.UniqueConstraint(Lower("name"), "label", name="label_alias_once")]

    def __str__(self) -> str:
        return self.name


class ImageLabel(models.Model):
    """The label index, derived from current analyses, file keywords and verdicts.

    Sort key, owner and visibility are copied from the picture, so that one index returns a page of results. Pictures in
    the trash have no rows. `confidence` is in hundredths of a percent (9,950 is 99.5 %).
    """

    # No ID column: a picture has dozens of labels, so this is the largest table, and each index repeats the key.
    pk = models.CompositePrimaryKey("image_id", "label_id")
    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="image_labels", db_index=False, verbose_name=_("picture")
    )
    sort_time = models.DateTimeField(
        _("sort time"), help_text=_("The date taken, or the first day of year 1 for undated pictures.")
    )
    # No constraint, here and for the owner: rows are derived and written only by reindex(), and checking dozens of
    # rows for every picture would slow each save.
    analysis = models.ForeignKey(
        Analysis,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("analysis"),
    )
    label = models.ForeignKey(
        Label, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("label")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("owner"),
    )
    # Two bytes instead of a float's eight. All digits are in the stored response.
    confidence = models.SmallIntegerField(_("confidence"))
    instance_count = models.SmallIntegerField(_("instances"), default=0)
    visibility = models.SmallIntegerField(_("visibility"))

    class Meta:
        verbose_name = _("picture label")
        verbose_name_plural = _("picture labels")
        constraints = [
            models.CheckConstraint(condition=Q(confidence__gte=0, confidence__lte=10_000), name="imagelabel_percent")
        ]
        indexes = [
            models.Index(
                # In the order of the library, so that a page is the first rows of this index; with the included columns
                # the table is not read (index-only scan).
                fields=["label", "-sort_time", "-image"],
                include=["confidence", "owner", "visibility"],
                name="imagelabel_taken",
            ),
        ]

    @property
    def percent(self) -> float:
        return self.confidence / 100


class FileKeyword(models.Model):
    """A keyword in a picture's file or sidecar, as a tag.

    A rejection by a user takes precedence.
    """

    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, related_name="file_keywords", db_index=False, verbose_name=_("picture")
    )
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="file_keywords", verbose_name=_("label"))

    class Meta:
        verbose_name = _("file keyword")
        verbose_name_plural = _("file keywords")
        constraints = [models.UniqueConstraint(fields=["image", "label"], name="filekeyword_once")]

    def __str__(self) -> str:
        return f"{self.label} in the file of picture {self.image_id}"


class Verdict(models.Model):
    """A user's decision about a label on a picture.

    It takes precedence over all analyses, including later ones.
    """

    class Decision(models.TextChoices):
        CONFIRMED = "confirmed", _("Confirmed")
        REJECTED = "rejected", _("Rejected")
        ADDED = "added", _("Added")

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="verdicts", verbose_name=_("picture"))
    label = models.ForeignKey(
        Label, on_delete=models.PROTECT, related_name="verdicts", db_index=False, verbose_name=_("label")
    )
    decision = models.CharField(_("decision"), max_length=10, choices=Decision)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="verdicts", verbose_name=_("user")
    )
    decided_at = models.DateTimeField(_("decided"), db_default=Now())

    class Meta:
        verbose_name = _("verdict")
        verbose_name_plural = _("verdicts")
        # One per label, not one per user: the last decision counts, and bulk changes store the previous ones for undo.
        constraints = [models.UniqueConstraint(fields=["image", "label"], name="verdict_one_per_label")]
        indexes = [models.Index(fields=["label", "decision"], name="verdict_judged")]

    def __str__(self) -> str:
        return f"{self.label}: {self.get_decision_display()}, picture {self.image_id}"
