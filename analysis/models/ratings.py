"""What people keep for themselves: favorites, ratings and searches."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from analysis.models.images import Image


class Rating(models.Model):
    """One person's opinion of a picture. Without a row: neither favorite nor rated."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="ratings")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings", db_index=False
    )
    is_favorite = models.BooleanField("favorite", default=False)
    rating = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5)], help_text="1 to 5."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "image"], name="rating_one_per_person"),
            models.CheckConstraint(condition=Q(rating=None) | Q(rating__range=(1, 5)), name="rating_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.person} on {self.image_id}"


class SavedSearch(models.Model):
    """A search with a name. The query holds its sort; others may open it by its address when it is shared."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=100)
    query = models.TextField(blank=True, help_text="As typed into the search box, sort included.")
    density = models.CharField(max_length=12, blank=True, help_text="How large pictures are shown.")
    is_shared = models.BooleanField("shared", default=False)
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "saved searches"
        constraints = [models.UniqueConstraint("owner", Lower("name"), name="saved_search_name_once")]

    def __str__(self) -> str:
        return self.name
