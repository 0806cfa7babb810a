"""Merges duplicates into one picture, and moves the others to the trash."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _

from analysis import audit_log, permissions
from analysis.curation import trash
from analysis.curation.copied_values import copy_values, restore_values
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange

MAX_DUPLICATES = 24


def merge_duplicates(image_id: int, *, instead_of: Collection[int], by: AbstractBaseUser) -> BulkChange:
    """Keep one picture and trash the others; `number` counts those.

    `bulk.undo` reverts all of it. Raises ActionRefused if any of the pictures is another owner's or in the trash.
    """
    other_ids = sorted(set(instead_of) - {image_id})
    if not other_ids or len(other_ids) > MAX_DUPLICATES:
        raise ActionRefused(_("Select at least two pictures and choose the one to keep."))
    with transaction.atomic():
        own = permissions.editable_images(by).filter(pk__in=[image_id, *other_ids], trashed_at=None)
        # All rows are read, since Django's count() drops the lock. Locked in order, so that two changes do not
        # deadlock.
        if len(own.select_for_update().order_by("pk").values_list("pk", flat=True)) <= len(other_ids):
            raise ActionRefused(_("One of these pictures is no longer available. Review them again."))
        change = BulkChange.objects.create(person_id=by.pk, action=BulkChange.Action.KEEP)
        change.refresh_from_db(fields=["done_at"])
        copied = copy_values(change, image_id, other_ids)
        trashed = trash.trash(other_ids, at=change.done_at)
        change.record({image_id: copied, **{pk: {} for pk in trashed}}, number=len(trashed))
        audit_log.record_images(audit_log.entry_of_bulk_change(change).pk, [image_id, *trashed])
        change.refresh_from_db()
    return change


def restore_duplicates(change: BulkChange, before: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """Restore the others from the trash and revert what was copied.

    Returns the ids of the pictures restored.
    """
    for image_id, copied in before.items():
        if copied:
            restore_values(change, image_id, copied)
    return trash.restore_trashed_at(change.done_at, [pk for pk, copied in before.items() if not copied])
