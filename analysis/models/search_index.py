"""The search index of faces, text and numeric properties.

Derived from current analyses, like ImageLabel.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from analysis.models.images import Image


class Face(models.Model):
    """One face, for searches about a single face.

    Box: fractions of the upright picture, origin top left.
    """

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="faces", verbose_name=_("picture"))
    left = models.FloatField(_("left"))
    top = models.FloatField(_("top"))
    width = models.FloatField(_("width"))
    height = models.FloatField(_("height"))
    confidence = models.FloatField(_("confidence"), help_text=_("Percent."))
    age_low = models.SmallIntegerField(_("age from"), null=True)
    age_high = models.SmallIntegerField(_("age to"), null=True)
    gender = models.CharField(_("gender"), max_length=10, blank=True)
    attributes = ArrayField(
        models.CharField(max_length=20),
        default=list,
        verbose_name=_("attributes"),
        help_text=_("Above the minimum confidence."),
    )
    emotions = ArrayField(
        models.CharField(max_length=20),
        default=list,
        verbose_name=_("emotions"),
        help_text=_("Above the minimum confidence."),
    )

    class Meta:
        verbose_name = _("face")
        verbose_name_plural = _("faces")

    def __str__(self) -> str:
        return f"face in {self.image_id}"


class TextWords(Func):
    """The words of a text, and number plates without their blanks.

    Words are parts of compounds, and single characters of Chinese, Japanese and Korean. Both functions come with the
    migrations. PostgreSQL's own parser keeps "www.example.com" and "A1/B2" as one word, and reads "-123" in "ABC-123"
    as a negative number.
    """

    template = (
        "(to_tsvector('simple'::regconfig, analysis_words(%(expressions)s)) || "
        "strip(to_tsvector('simple'::regconfig, analysis_plates(%(expressions)s))))"
    )
    output_field = SearchVectorField()


class ImageText(models.Model):
    """The lines of text detected in a picture."""

    image = models.OneToOneField(
        Image, on_delete=models.CASCADE, primary_key=True, related_name="text", verbose_name=_("picture")
    )
    content = models.TextField(_("text"))
    words = models.GeneratedField(expression=TextWords("content"), output_field=SearchVectorField(), db_persist=True)

    class Meta:
        verbose_name = _("text in picture")
        verbose_name_plural = _("text in pictures")
        indexes = [GinIndex(fields=["words"], name="imagetext_words")]

    def __str__(self) -> str:
        return self.content[:80]


SHARES = (16, 128)
"""Partial indexes cover one in this many pictures: samples for counts that would take too long over all."""


class LabelWords(Func):
    """Label ids as a tsvector, whose index supports "and not"."""

    template = "array_to_tsvector(%(expressions)s::text[])"
    output_field = SearchVectorField()


def one_in(share: int) -> Q:
    """Condition for a sample of one in `share` pictures, a power of two.

    By a hash of the id, as imports by several workers may alternate between kinds of pictures.
    """
    remainder = Func("image", template=f"(hashint8(%(expressions)s) & {share - 1})", output_field=models.IntegerField())
    return Q(Exact(remainder, Value(0)))


class ImageIndex(models.Model):
    """All labels and numeric properties of a picture in one narrow row.

    Used for combinations of common labels with few results, where a scan of a single label's rows would take too long,
    and to read all labels of many pictures for facets. Pictures in the trash have no row.
    """

    image = models.OneToOneField(
        Image, on_delete=models.CASCADE, primary_key=True, related_name="index", verbose_name=_("picture")
    )
    added_at = models.DateTimeField(_("added"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("owner"),
    )
    visibility = models.SmallIntegerField(_("visibility"))
    label_ids = ArrayField(models.IntegerField(), default=list, verbose_name=_("label IDs"))
    brightness = models.FloatField(_("brightness"), null=True)
    sharpness = models.FloatField(_("sharpness"), null=True)
    contrast = models.FloatField(_("contrast"), null=True)

    class Meta:
        verbose_name = _("picture index")
        verbose_name_plural = _("picture indexes")
        # fastupdate=False: with a pending list each search would have to scan that list first.
        indexes = [
            GinIndex(fields=["label_ids"], name="imageindex_labels", fastupdate=False),
            GinIndex(LabelWords("label_ids"), name="imageindex_words", fastupdate=False),
            *(
                GinIndex(
                    LabelWords("label_ids"), name=f"imageindex_words_{share}", condition=one_in(share), fastupdate=False
                )
                for share in SHARES
            ),
            models.Index(fields=["image"], condition=one_in(SHARES[-1]), name=f"imageindex_{SHARES[-1]}"),
        ]

    def __str__(self) -> str:
        return f"{len(self.label_ids)} labels of {self.image_id}"
