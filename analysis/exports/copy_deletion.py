"""Deletes the copies of deleted pictures in exports' files."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis import audit_log
from analysis.exports.formats import FORMATS
from analysis.models import AuditEntry, Export, ExportedImages, Image
from analysis.storage import blobs

WITH_PICTURES = [entry.name for entry in FORMATS.values() if entry.has_pictures]
State = Export.State


def record_step(export: Export, image_ids: list[int]) -> None:
    """Record the pictures of one step that were written to an export's file."""
    if image_ids and FORMATS[export.format].has_pictures:
        ExportedImages.objects.create(export=export, image_ids=image_ids)


def delete_steps(export: Export) -> None:
    """Forget the recorded pictures, before the file is started again."""
    ExportedImages.objects.filter(export=export).delete()


def has_deleted(export: Export) -> bool:
    """True if the file contains a picture that was deleted while it was written."""
    steps = ExportedImages.objects.filter(export=export).values_list("image_ids", flat=True)
    return any(
        Image.objects.filter(pk__in=image_ids).count() < len(image_ids) for image_ids in steps.iterator(chunk_size=100)
    )


def containing(image_ids: Collection[int]) -> QuerySet[Export]:
    """Exports, finished or not, whose files have copies of any of these pictures."""
    exported = ExportedImages.objects.filter(image_ids__overlap=list(image_ids)).values_list("export_id", flat=True)
    # Exports from before ExportedImages are found by their selection only.
    selected = Q(image_ids__overlap=list(image_ids), exported_images=None, state=State.DONE)
    return Export.objects.filter(Q(pk__in=list(exported)) | selected, format__in=WITH_PICTURES)


def delete_copies(image_ids: Collection[int]) -> int:
    """Delete the files of exports that contain any of these pictures.

    Returns their number. The rows are kept, with the reason, so that their owners can retry them without the pictures.
    Unfinished exports start again.
    """
    exports = list(containing(image_ids).select_for_update(of=("self",)).order_by("pk")) if image_ids else []
    for export in exports:
        if export.state in (State.QUEUED, State.RUNNING):
            # The worker that is writing it loses its claim, and notices.
            attempts = F("attempts") + 1
            Export.objects.filter(pk=export.pk).update(
                state=State.QUEUED, attempts=attempts, uncounted_attempts=attempts, next_attempt_at=Now()
            )
        elif export.key:
            _delete_file(export)
        delete_steps(export)
    return len(exports)


def _delete_file(export: Export) -> None:
    keys = [export.key]
    blobs.register_pending(keys)
    changed: dict[str, Any] = {"state": State.FAILED, "key": "", "size": None, "sha256": ""}
    Export.objects.filter(pk=export.pk).update(
        **changed,
        error=_(
            "Deleted because it contained a picture that was deleted forever. Retry to create it without that picture."
        ),
        expires_at=Now() + timedelta(days=settings.EXPORT_DAYS),
    )
    details = {
        "format": export.format,
        "sha256": export.sha256,
        "reason": _("contains a picture that was deleted forever"),
    }
    audit_log.record(AuditEntry.Action.REMOVE, export, by_id=None, details=details)
    # `robust`, since an error after the commit must not look like a failed deletion; the sweeper tries the files again.
    transaction.on_commit(lambda: blobs.delete_pending(keys), robust=True)
