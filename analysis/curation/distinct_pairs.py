"""Marks similar pictures as not duplicates, and undoes that."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from analysis import audit_log, permissions
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange, DistinctPair

MAX_MARKED = 25
"""Pictures marked at once; there is a row for each pair of them."""


def mark_distinct(image_ids: Collection[int], *, by: AbstractBaseUser) -> BulkChange:
    """Mark these pictures as not duplicates of each other.

    `bulk.undo` reverts it. Raises ActionRefused if any of them is another owner's or in the trash.
    """
    ids = sorted(set(image_ids))
    if not 2 <= len(ids) <= MAX_MARKED:
        raise ActionRefused(_("Select 2 to %(limit)s pictures.") % {"limit": MAX_MARKED})
    with transaction.atomic():
        locked = permissions.editable_images(by).select_for_update().filter(pk__in=ids, trashed_at=None)
        # All rows are read, since Django's count() drops the lock. Locked in order, so that two changes do not
        # deadlock.
        if len(locked.order_by("pk").values_list("pk", flat=True)) < len(ids):
            raise ActionRefused(_("One of these pictures is no longer available. Review them again."))
        change = BulkChange.objects.create(person_id=by.pk, action=BulkChange.Action.DISTINCT)
        change.refresh_from_db(fields=["done_at"])
        # A pair that was marked before keeps its time, so that Undo of this change does not delete it.
        DistinctPair.objects.bulk_create(
            (
                DistinctPair(first_id=first, second_id=second, by_id=by.pk, marked_at=change.done_at)
                for first, second in combinations(ids, 2)
            ),
            ignore_conflicts=True,
        )
        change.record({pk: {} for pk in ids})
        audit_log.record_images(audit_log.entry_of_bulk_change(change).pk, ids)
        change.refresh_from_db()
    return change


def unmark(change: BulkChange, image_ids: Collection[int]) -> list[int]:
    """Undo of `mark_distinct`; returns the ids of the pictures that are in a pair."""
    pairs = DistinctPair.objects.filter(
        Q(first__in=image_ids) | Q(second__in=image_ids), by_id=change.person_id, marked_at=change.done_at
    )
    restored = {pk for pair in pairs.values_list("first_id", "second_id") for pk in pair}
    pairs.delete()
    return sorted(restored)


def distinct_among(image_ids: Collection[int]) -> set[tuple[int, int]]:
    """Marked pairs of these pictures, each with the smaller id first."""
    pairs = DistinctPair.objects.filter(first__in=image_ids, second__in=image_ids)
    return set(pairs.values_list("first_id", "second_id"))
