"""The visibility of one picture, set by a person."""

from __future__ import annotations

from django.db import transaction

from analysis import audit_log
from analysis.library import images
from analysis.models import AuditEntry, Image


def set_visibility(image: Image, visibility: int, *, by_id: int) -> bool:
    """Set the visibility of a picture. False if it was the same already."""
    with transaction.atomic():
        previous = Image.objects.select_for_update().values_list("visibility", flat=True).get(pk=image.pk)
        if previous == visibility:
            return False
        images.set_visibility([image.pk], visibility)
        details = {"before": previous, "after": int(visibility)}
        audit_log.record(AuditEntry.Action.OPEN_TO, image, by_id=by_id, details=details)
    image.visibility = visibility
    return True
