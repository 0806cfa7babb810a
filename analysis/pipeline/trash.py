"""Deleting pictures forever, with everything that belongs to them."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from analysis import audit_log, tasks
from analysis.curation import trash_deletion
from analysis.exports import copy_deletion
from analysis.jobs import run_for
from analysis.library import removal
from analysis.library.removal import Removed
from analysis.models import AuditEntry, Image, ImageQuerySet, TrashDeletion
from analysis.storage import original_deletion

MAX_RUN_SECONDS = 120.0


def delete_with_related(images: ImageQuerySet, *, by_id: int | None) -> list[Removed]:
    """Delete images and all that belongs to them, in one transaction.

    Returns receipts. Images are deleted nowhere else. Rows with a foreign key to an image (analyses, labels, verdicts,
    ratings, embeddings) are deleted with it; other copies of a picture are deleted here.
    """
    with transaction.atomic():
        removed = removal.remove(images, by_id=by_id)
        copy_deletion.delete_copies([image.image_id for image in removed])
        if any(image.original == removal.QUEUED for image in removed):
            tasks.delete_originals.delay_on_commit()
    return removed


def delete_now(images: ImageQuerySet, *, by_id: int) -> int:
    """Delete images at once, in the trash or not, with a receipt.

    Returns their number.
    """
    with transaction.atomic():
        removed = delete_with_related(images, by_id=by_id)
        if removed:
            entry = audit_log.record(AuditEntry.Action.DELETE, by_id=by_id)
            receipts = [image.as_json() for image in removed]
            audit_log.record_images(entry.pk, [image.image_id for image in removed], receipts=receipts)
    return len(removed)


def start_deletion(deletion: TrashDeletion, *, typed: int) -> TrashDeletion:
    """Delete pictures in the trash in the background. Raises ActionRefused."""
    with transaction.atomic():
        requested = trash_deletion.request(deletion, typed=typed)
        tasks.delete_trash.delay_on_commit(deletion_id=requested.pk)
    return requested


def delete_expired_trash(*, older_than: timedelta | None = None) -> TrashDeletion | None:
    """Start deleting pictures that have been in the trash for TRASH_DAYS.

    None if there is nothing.
    """
    with transaction.atomic():
        requested = trash_deletion.request_expired(older_than=older_than)
        if requested:
            tasks.delete_trash.delay_on_commit(deletion_id=requested.pk)
    return requested


def continue_deletion(deletion_id: int, *, seconds: float = MAX_RUN_SECONDS) -> bool:
    """Delete more pictures of a request; True if there are more."""
    return run_for(seconds, lambda: trash_deletion.step(deletion_id, remove=_remove))


def delete_originals() -> bool:
    """Delete originals in buckets that are due; True if there may be more."""
    return run_for(MAX_RUN_SECONDS, _delete_next_original)


def _remove(images: ImageQuerySet, deletion: TrashDeletion) -> list[Removed]:
    return delete_with_related(images, by_id=deletion.person_id)


def _delete_next_original() -> bool:
    result = original_deletion.delete_next()
    if result is None:
        return False
    if not result.error or result.is_last_attempt:
        details = {"key": result.row.key, "versions": result.versions, "error": result.error}
        audit_log.record(
            AuditEntry.Action.DELETE_ORIGINAL,
            Image(pk=result.row.image_id, filename=result.row.filename),
            by_id=result.row.actor_id,
            details={name: value for name, value in details.items() if value != ""},
        )
    return True
