"""Bulk changes, applied and undone in steps of one transaction each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis import audit_log, permissions
from analysis.curation.bulk_actions import ACTIONS, PreviousValues
from analysis.curation.errors import ActionRefused
from analysis.curation.tags import clean_name, get_or_create_tag
from analysis.curation.verdicts import POSITIVE
from analysis.formatting import count
from analysis.models import BulkChange, ChangedImage, Image, Label, Verdict, Viewer
from analysis.search import results
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse

MAX_IDS = 10_000
STEP_SIZE = 1_000
"""Pictures changed in one transaction."""
UNDO_WINDOW = timedelta(hours=24)
MAX_CHECKED = 20_000
"""Pictures looked up for a list of changes."""
Act = BulkChange.Action


@dataclass(frozen=True)
class Selection:
    """Pictures selected by id or query; `all_owners` includes other owners'."""

    person: AbstractBaseUser
    ids: tuple[int, ...] = ()
    query: Query | None = None
    all_owners: bool = False

    @property
    def viewer(self) -> Viewer:
        return Viewer(user_id=self.person.pk, sees_all=self.all_owners)

    def steps(self, size: int = STEP_SIZE) -> Iterator[list[int]]:
        """The ids in lists of at most `size`.

        Raises ActionRefused for more than MAX_IDS explicit ids.
        """
        if self.query is not None:
            yield from results.iter_ids(self.query, viewer=self.viewer, step=size)
            return
        if len(self.ids) > MAX_IDS:
            raise ActionRefused(
                _("At most %(limit)s pictures can be selected individually. Select all results instead.")
                % {"limit": count(MAX_IDS)}
            )
        # Without repetitions, in the order in which they were selected.
        ids = iter(dict.fromkeys(self.ids))
        while step := list(islice(ids, size)):
            yield step


def apply(selection: Selection, action: str, **fields: Any) -> BulkChange:
    """Apply an action; `fields`: `label`, `visibility` or `receiver_id`.

    Steps done before a failure are recorded and can be undone.
    """
    steps = selection.steps()
    image_ids = next(steps, [])  # before the row is created, so that a refused selection leaves none
    change = BulkChange.objects.create(
        person_id=selection.person.pk, action=action, all_owners=selection.all_owners, **fields
    )
    # The database's clock. Verdicts and trashed pictures get the same time, by which the undo finds them.
    change.refresh_from_db(fields=["done_at"])
    while image_ids and apply_step(change, image_ids):
        image_ids = next(steps, [])
    change.refresh_from_db()
    return change


def apply_step(change: BulkChange, image_ids: list[int]) -> bool:
    """Change these pictures and record their previous values.

    False if the change is being undone.
    """
    action = ACTIONS[change.action]
    with transaction.atomic():
        # Permissions are checked in each step, since a large change takes minutes and they may be revoked in between.
        locked = action.scope(change).select_for_update(of=("self",)).filter(pk__in=image_ids)
        permitted = list(locked.order_by("pk").values_list("pk", flat=True))
        # Locked after the pictures as in undo_step, since the other order would deadlock with it.
        if not BulkChange.objects.select_for_update().filter(pk=change.pk, undone_at=None).values_list("pk"):
            return False
        before = action.apply(change, permitted)
        change.record(before, unchanged=len(permitted) - len(before), refused=len(image_ids) - len(permitted))
        if before:
            audit_log.record_images(audit_log.entry_of_bulk_change(change).pk, list(before))
    return True


def remove_tag(selection: Selection, label: Label) -> BulkChange:
    return apply(selection, Act.REMOVE_TAG, label=label)


def label_to_add(selection: Selection, name: str) -> Label | None:
    """The label or tag of this name; None if the user can review none of the pictures.

    A new tag is therefore only created if a picture gets it, and nothing reveals whether the name exists. Raises
    ActionRefused for an invalid name.
    """
    name = clean_name(name)
    return get_or_create_tag(name) if _has_reviewable(selection) else None


def tags_of(selection: Selection) -> list[tuple[Label, str]]:
    """Labels added by people to the first STEP_SIZE pictures, to "all" or "some"."""
    image_ids = next(selection.steps(), [])
    reviewable = list(
        permissions.reviewable_images(selection.person).filter(pk__in=image_ids).values_list("pk", flat=True)
    )
    positive = Verdict.objects.filter(image_id__in=reviewable, decision__in=POSITIVE)
    tags = positive.filter(label__kind=Label.Kind.TAG) | positive.filter(decision=Verdict.Decision.ADDED)
    counts = Counter(tags.values_list("label_id", flat=True))
    labels = Label.objects.filter(pk__in=counts).order_by("name", "pk")
    return [(label, "all" if counts[label.pk] == len(reviewable) else "some") for label in labels]


def undo(token: int, *, by: AbstractBaseUser) -> BulkChange:
    """Restore previous values unless changed since; `number` counts the restored.

    For background changes call `bulk_steps.undo`; `pipeline.undo` chooses. Raises ActionRefused for a change that is
    already undone, too old or another user's.
    """
    change = begin_undo(token, by=by)
    change.number = 0
    while (number := undo_step(change)) is not None:
        change.number += number
    return change


def begin_undo(token: int, *, by: AbstractBaseUser) -> BulkChange:
    """Mark a change as being undone, which also stops it if it is still running.

    Raises ActionRefused for a change that is already undone, too old or another user's.
    """
    change = BulkChange.objects.filter(pk=token, person_id=by.pk, done_at__gt=Now() - UNDO_WINDOW).first()
    if change is None:
        raise ActionRefused(_("This can no longer be undone."))
    # One UPDATE with its condition: of two clicks on Undo only one changes the row.
    is_first = BulkChange.objects.filter(pk=token, undone_at=None).update(undone_at=Now())
    if not is_first and not change.images.exists():  # rows remain if an earlier undo was interrupted
        raise ActionRefused(_("This has already been undone."))
    return change


def undo_step(change: BulkChange) -> int | None:
    """Restore up to STEP_SIZE pictures.

    Returns the number restored, None if there are no more.
    """
    action = ACTIONS[change.action]
    with transaction.atomic():
        rows = change.images.order_by("image_id")[:STEP_SIZE]
        before: PreviousValues = dict(rows.values_list("image_id", "before"))
        if not before:
            return None
        # Locked in id order like everywhere else. The second of two concurrent undos finds these rows deleted.
        locked = action.scope(change).select_for_update(of=("self",)).filter(pk__in=before)
        permitted = set(locked.order_by("pk").values_list("pk", flat=True))
        remaining = set(change.images.filter(image_id__in=before).values_list("image_id", flat=True))
        restored = action.restore(change, {pk: before[pk] for pk in before if pk in permitted & remaining})
        change.images.filter(image_id__in=before).delete()
        BulkChange.objects.filter(pk=change.pk).update(restored=F("restored") + len(restored))
        if restored:  # after the update, which locks the row of the change
            audit_log.record_images(audit_log.entry_of_bulk_change(change, is_undo=True).pk, restored)
    return len(restored)


def numbers_deleted(changes: Iterable[BulkChange]) -> dict[int, int]:
    """Number of pictures, by change, that were deleted forever since.

    Only for the latest changes, up to MAX_CHECKED pictures.
    """
    checked, remaining = [], MAX_CHECKED
    for change in changes:
        remaining -= change.number
        if remaining < 0:
            break
        checked.append(change.pk)
    is_there = Exists(Image.objects.filter(pk=OuterRef("image_id")))
    rows = ChangedImage.objects.filter(~is_there, change_id__in=checked).values("change_id")
    return dict(rows.annotate(number=Count("image_id")).values_list("change_id", "number"))


def delete_expired() -> None:
    """Delete changes past the undo window, except those still running."""
    expired = BulkChange.objects.filter(done_at__lte=Now() - UNDO_WINDOW, is_open=False)
    # The pictures first, by SQL of their own, since Django's cascade would load a million rows to delete them.
    if ids := list(expired.values_list("pk", flat=True)):
        ChangedImage.objects.filter(change_id__in=ids).delete()
        BulkChange.objects.filter(pk__in=ids).delete()


def _has_reviewable(selection: Selection) -> bool:
    """True if the user can review the labels of any selected picture."""
    probe = BulkChange(person_id=selection.person.pk, action=Act.ADD_TAG, all_owners=selection.all_owners)
    reviewable = ACTIONS[Act.ADD_TAG].scope(probe)
    steps = selection.steps()
    if reviewable.filter(pk__in=next(steps, [])).exists():
        return True
    if selection.query is None:
        return any(reviewable.filter(pk__in=step).exists() for step in steps)
    try:
        # One search with the owner as a term, instead of all results of a person who may own none of them.
        own = parse(f"{selection.query.text} owner:me")
    except InvalidQuery:  # the query was already at the maximum length
        return any(reviewable.filter(pk__in=step).exists() for step in steps)
    return results.count(own, viewer=selection.viewer, cap=1) > 0
