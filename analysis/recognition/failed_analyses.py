"""Analyses of pictures that stay in buckets, to be asked for again."""

from __future__ import annotations

from analysis.models import Analysis


def latest_failed(bucket_id: int) -> list[tuple[str, int]]:
    """API and picture, in this order, of a bucket's analyses that failed and were not asked for again."""
    latest = (
        Analysis.objects.filter(image__bucket_id=bucket_id, image__trashed_at=None, is_sample=False)
        .order_by("api", "image_id", "-pk")
        .distinct("api", "image_id")
        .values_list("api", "image_id", "state")
    )
    return [(api, image_id) for api, image_id, state in latest.iterator() if state == Analysis.State.FAILED]
