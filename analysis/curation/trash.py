"""The trash.

Its pictures are neither found nor analyzed until they are restored.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from analysis import audit_log
from analysis.curation.errors import ActionRefused
from analysis.library import image_events
from analysis.models import AuditEntry, Image
from analysis.recognition.reindex_images import reindex

DUPLICATE_RESTORE_MESSAGE = gettext_lazy(
    "The same file was uploaded again. Move that copy to the trash before restoring this one."
)


def trash(image_ids: Collection[int], *, at: datetime | None = None) -> list[int]:
    """Move pictures to the trash, dated `at` or now.

    Returns the ids of those that were not in the trash.
    """
    with transaction.atomic():
        locked = Image.objects.select_for_update().filter(pk__in=image_ids, trashed_at=None)
        moved = list(locked.order_by("pk").values_list("pk", flat=True))
        Image.objects.filter(pk__in=moved).update(trashed_at=at or Now())
        reindex(moved)
    return moved


def trash_image(image: Image, *, by_id: int | None, at: datetime | None = None) -> bool:
    """Move one picture to the trash. False if it already was.

    `by_id` None: its object was deleted from the bucket.
    """
    with transaction.atomic():
        if not trash([image.pk], at=at):
            return False
        audit_log.record(AuditEntry.Action.TRASH, image, by_id=by_id)
    return True


def restore(image_id: int, *, by_id: int) -> None:
    """Restore a picture.

    Raises ActionRefused if its owner has the same file in the library already.
    """
    with transaction.atomic():
        if restore_all([image_id]):
            image = Image.objects.get(pk=image_id)
            audit_log.record(AuditEntry.Action.RESTORE, image, by_id=by_id)
            return
    if Image.objects.filter(pk=image_id).exclude(trashed_at=None).exists():
        raise ActionRefused(DUPLICATE_RESTORE_MESSAGE)


def restore_trashed_at(time: datetime, image_ids: Collection[int]) -> list[int]:
    """Restore pictures that were trashed at exactly this time; returns their ids."""
    unchanged = Image.objects.filter(pk__in=image_ids, trashed_at=time)
    return restore_all(list(unchanged.values_list("pk", flat=True)))


def restore_all(image_ids: Collection[int]) -> list[int]:
    """Restore pictures except copies of library files; returns the ids restored."""
    try:
        return _restore(image_ids)
    except IntegrityError:  # the same file was uploaded between the check and the update; now the check sees it
        return _restore(image_ids)


def _restore(image_ids: Collection[int]) -> list[int]:
    with transaction.atomic():
        # In a fixed order, so that two restores of the same pictures do not deadlock.
        locked = Image.objects.select_for_update().filter(pk__in=image_ids).exclude(trashed_at=None).order_by("pk")
        moved = _without_copies(list(locked.values_list("pk", flat=True)))
        Image.objects.filter(pk__in=moved).update(trashed_at=None)
        reindex(moved)
        image_events.record_changed(moved)
    return moved


def _without_copies(image_ids: list[int]) -> list[int]:
    """The last trashed copy of each file, unless the library has the file.

    Pictures from buckets are all returned.
    """
    # By its ID for a picture in a bucket, since each object is a separate picture.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (owner_id, sha256, CASE WHEN bucket_id IS NULL THEN 0 ELSE id END) id
            FROM analysis_image trashed
            WHERE id = ANY(%s) AND (bucket_id IS NOT NULL OR NOT EXISTS (
                SELECT FROM analysis_image copy
                WHERE copy.sha256 = trashed.sha256 AND copy.owner_id = trashed.owner_id
                AND copy.trashed_at IS NULL AND copy.bucket_id IS NULL))
            ORDER BY owner_id, sha256, CASE WHEN bucket_id IS NULL THEN 0 ELSE id END, trashed_at DESC, id DESC
            """,
            [image_ids],
        )
        return sorted(pk for (pk,) in cursor.fetchall())
