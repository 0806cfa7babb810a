"""Images of a batch, and those whose analysis failed."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection
from django.db.models import Exists, OuterRef

from analysis.models import Analysis, Batch, BatchImage, Image, ImageQuerySet


def images_of(batch: Batch) -> ImageQuerySet:
    """Images with an analysis in this batch, or listed by it and not queued yet."""
    analyses = Analysis.objects.filter(batch=batch, image=OuterRef("pk"))
    images = Image.objects.filter(Exists(analyses))
    # Once the whole list is queued, the analyses show which pictures belong to the run.
    if batch.uses_id_list and not batch.is_fully_queued:
        images |= Image.objects.filter(Exists(BatchImage.objects.filter(batch=batch, image_id=OuterRef("pk"))))
    return images


def failed_images(batch_ids: Collection[int], *, limit: int) -> dict[int, list[int]]:
    """At most `limit` ids per batch of images that failed and were not retried."""
    with connection.cursor() as cursor:
        # A lateral subquery, which stops at the limit for each batch. A join would read all failures of a large one.
        cursor.execute(
            """
            SELECT batch.id, failed.image_id FROM unnest(%s::bigint[]) batch (id)
            CROSS JOIN LATERAL (
                SELECT DISTINCT failed.image_id FROM analysis_analysis failed
                JOIN analysis_image image ON image.id = failed.image_id AND image.trashed_at IS NULL
                WHERE failed.batch_id = batch.id AND failed.state = 'failed' AND NOT failed.is_sample
                  AND NOT EXISTS (
                      SELECT FROM analysis_analysis later
                      WHERE later.image_id = failed.image_id AND later.api = failed.api
                        AND later.id > failed.id AND NOT later.is_sample)
                LIMIT %s) failed
            """,
            [list(batch_ids), limit],
        )
        rows = cursor.fetchall()
    images: dict[int, list[int]] = {}
    for batch_id, image_id in rows:
        images.setdefault(batch_id, []).append(image_id)
    return images
