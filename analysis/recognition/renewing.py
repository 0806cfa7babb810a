"""Analyses of pictures that stay in buckets: those that a changed original overtook, and those that failed."""

from __future__ import annotations

from django.db.models.functions import Now

from analysis.models import Analysis
from analysis.models.analyses import LEASE


def disown(image_id: int) -> None:
    """Let what is being answered about a picture come to nothing and be asked again: its original has changed."""
    Analysis.objects.filter(image_id=image_id, state=Analysis.State.RUNNING).update(claimed_until=Now() - LEASE)


def failed_last(bucket_id: int) -> list[tuple[str, int]]:
    """API and picture, in this order, of a bucket's analyses that failed and were not asked for again."""
    latest = (
        Analysis.objects.filter(image__bucket_id=bucket_id, image__trashed_at=None, is_sample=False)
        .order_by("api", "image_id", "-pk")
        .distinct("api", "image_id")
        .values_list("api", "image_id", "state")
    )
    return [(api, image_id) for api, image_id, state in latest.iterator() if state == Analysis.State.FAILED]
