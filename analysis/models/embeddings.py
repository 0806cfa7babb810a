"""Embeddings of pictures, in a table that exists only with pgvector."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField, HnswIndex

from analysis.models.images import Image

# 256 numbers find other versions of a photograph as often as the classifier's 1,280 do, with a fifth of the index
# (decision 19).
DIMENSIONS = 256


class ImageEmbedding(models.Model):
    """A picture's embedding: similar pictures have similar vectors.

    A row without a vector is queued or has failed. Rows are written by recognition.embeddings only.
    """

    # The database deletes a row with its picture (ON DELETE CASCADE in recognition.embeddings.table), since Django's
    # cascade would query this table for each deleted picture, even if it doesn't exist.
    image = models.OneToOneField(
        Image,
        on_delete=models.DO_NOTHING,
        primary_key=True,
        db_constraint=False,
        related_name="embedding",
        verbose_name=_("picture"),
    )
    vector = HalfVectorField(_("vector"), dimensions=DIMENSIONS, null=True, help_text=_("Of length 1."))
    model_version = models.CharField(
        _("model version"), max_length=40, db_default="", help_text=_("Only vectors of the same version are compared.")
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), db_default=0)
    next_attempt_at = models.DateTimeField(
        _("next attempt"), null=True, db_default=Now(), help_text=_("Empty when there is nothing to do.")
    )
    error = models.TextField(_("error"), db_default="", help_text=_("Why the last attempt failed."))

    class Meta:
        verbose_name = _("embedding")
        verbose_name_plural = _("embeddings")
        default_permissions = ()
        indexes = [
            HnswIndex(fields=["vector"], opclasses=["halfvec_cosine_ops"], name="imageembedding_vector"),
            models.Index(fields=["next_attempt_at"], condition=~Q(next_attempt_at=None), name="imageembedding_due"),
            # For the counts of the health check; a scan of the vectors takes seconds.
            models.Index(fields=["model_version"], name="imageembedding_version"),
            models.Index(fields=["image"], condition=~Q(error=""), name="imageembedding_error"),
        ]

    def __str__(self) -> str:
        return f"embedding of {self.image_id}"
