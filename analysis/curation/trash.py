"""The trash: pictures out of every search and not asked about, until they are restored or removed for good."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from analysis.curation.errors import ActionRefused
from analysis.models import Image
from analysis.recognition.search_index import reindex

DUPLICATE_RESTORE_MESSAGE = (
    "The same picture was brought in again meanwhile; move that one to the trash first, then restore this one."
)


def trash(image_ids: Collection[int], *, at: datetime | None = None) -> list[int]:
    """Move pictures to the trash; answers those that were not there yet. `at`: when it is said to have been."""
    with transaction.atomic():
        moved = list(
            Image.objects.select_for_update()
            .filter(pk__in=image_ids, trashed_at=None)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        Image.objects.filter(pk__in=moved).update(trashed_at=at or Now())
        reindex(moved)
    return moved


def restore(image_id: int) -> None:
    """Put a picture back into the library. Raises Refused when the same bytes are there already."""
    if restore_all([image_id]):
        return
    if Image.objects.filter(pk=image_id).exclude(trashed_at=None).exists():
        raise ActionRefused(DUPLICATE_RESTORE_MESSAGE)


def restore_with_dates(moment: datetime, image_ids: Collection[int]) -> list[int]:
    """Put back those of these that went to the trash at this very moment; answers them."""
    as_left = Image.objects.filter(pk__in=image_ids, trashed_at=moment)
    return restore_all(list(as_left.values_list("pk", flat=True)))


def restore_all(image_ids: Collection[int]) -> list[int]:
    """Put pictures back, but for those whose bytes are in the library already; answers those put back."""
    try:
        return _restore(image_ids)
    except IntegrityError:  # the same bytes came in at this very moment; now they are seen
        return _restore(image_ids)


def _restore(image_ids: Collection[int]) -> list[int]:
    with transaction.atomic():
        locked = Image.objects.select_for_update().filter(pk__in=image_ids).exclude(trashed_at=None).order_by("pk")
        moved = _without_twins(list(locked.values_list("pk", flat=True)))
        Image.objects.filter(pk__in=moved).update(trashed_at=None)
        reindex(moved)
    return moved


def _without_twins(image_ids: list[int]) -> list[int]:
    """Of the same bytes one, the last moved there, and none where they are in the library; all that lie in a bucket."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (owner_id, sha256, CASE WHEN bucket_id IS NULL THEN 0 ELSE id END) id
            FROM analysis_image trashed
            WHERE id = ANY(%s) AND (bucket_id IS NOT NULL OR NOT EXISTS (
                SELECT FROM analysis_image twin
                WHERE twin.sha256 = trashed.sha256 AND twin.owner_id = trashed.owner_id
                AND twin.trashed_at IS NULL AND twin.bucket_id IS NULL))
            ORDER BY owner_id, sha256, CASE WHEN bucket_id IS NULL THEN 0 ELSE id END, trashed_at DESC, id DESC
            """,
            [image_ids],
        )
        return sorted(pk for (pk,) in cursor.fetchall())
