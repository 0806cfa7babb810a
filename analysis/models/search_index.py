"""What else answers let a picture be found by: faces, and what is written in it. Derived, like ImageLabel."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.lookups import Exact

from analysis.models.images import Image


class Face(models.Model):
    """One face, for questions about one face. The box is in fractions of the upright picture, origin top left."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="faces")
    left = models.FloatField()
    top = models.FloatField()
    width = models.FloatField()
    height = models.FloatField()
    confidence = models.FloatField(help_text="Percent.")
    age_low = models.SmallIntegerField(null=True)
    age_high = models.SmallIntegerField(null=True)
    gender = models.CharField(max_length=10, blank=True)
    attributes = ArrayField(models.CharField(max_length=20), default=list, help_text="Those above the threshold.")
    emotions = ArrayField(models.CharField(max_length=20), default=list, help_text="Those above the threshold.")

    def __str__(self) -> str:
        return f"a face in {self.image_id}"


class ImageText(models.Model):
    """The lines that are written in a picture."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True, related_name="text")
    content = models.TextField()
    words = models.GeneratedField(
        expression=SearchVector("content", config="simple"), output_field=SearchVectorField(), db_persist=True
    )

    class Meta:
        indexes = [GinIndex(fields=["words"], name="imagetext_words")]

    def __str__(self) -> str:
        return self.content[:80]


SHARES = (16, 128)
"""One in so many pictures has indexes of its own: they stand for all where counting all would take long."""


class LabelWords(Func):
    """The ids of labels as words: an index over these knows "and not", which one over numbers does not."""

    template = "array_to_tsvector(%(expressions)s::text[])"
    output_field = SearchVectorField()


def one_in(every: int) -> Q:
    """A power of two. By a hash, since pictures that came in turns may differ by whether their ids are even."""
    share = Func("image", template=f"(hashint8(%(expressions)s) & {every - 1})", output_field=models.IntegerField())
    return Q(Exact(share, Value(0)))


class ImageIndex(models.Model):
    """What search asks of a picture as a whole, in one narrow row. Derived, like ImageLabel, and in step with it.

    Finds the few pictures that carry several common labels, for which walking along any one of them would take long;
    and gives all labels of many pictures at once, for facets. Pictures in the trash have none.
    """

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True, related_name="index")
    added_at = models.DateTimeField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    visibility = models.SmallIntegerField()
    label_ids = ArrayField(models.IntegerField(), default=list)
    brightness = models.FloatField(null=True)
    sharpness = models.FloatField(null=True)
    contrast = models.FloatField(null=True)

    class Meta:
        verbose_name_plural = "image indexes"
        # Not collected in a pending list: a search would have to read all of that each time.
        indexes = [
            GinIndex(fields=["label_ids"], name="imageindex_labels", fastupdate=False),
            GinIndex(LabelWords("label_ids"), name="imageindex_words", fastupdate=False),
            *(
                GinIndex(
                    LabelWords("label_ids"), name=f"imageindex_words_{every}", condition=one_in(every), fastupdate=False
                )
                for every in SHARES
            ),
            models.Index(fields=["image"], condition=one_in(SHARES[-1]), name=f"imageindex_{SHARES[-1]}"),
        ]

    def __str__(self) -> str:
        return f"{len(self.label_ids)} labels of {self.image_id}"
