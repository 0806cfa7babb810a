"""What else answers let a picture be found by: faces, and what is written in it. Derived, like ImageLabel."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models

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
