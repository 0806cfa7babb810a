"""Changes to many images: bulk changes, their undo, and changes of labels."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from analysis import tasks
from analysis.curation import bulk, bulk_steps, exact_copies, label_settings
from analysis.curation.bulk import Selection
from analysis.curation.label_settings import LabelUpdate
from analysis.models import BulkChange, ChangedImage
from analysis.search import results
from analysis.search.syntax.parser import parse
from analysis.search.terms.owners import OwnerTerm
from imagelib.accounts.models import User

IMMEDIATE_SECONDS = 2.0
"""Maximum time of a merge of copies within the request."""


def start_bulk_change(selection: Selection, action: str, **arguments: Any) -> BulkChange:
    """Apply an action to all images of a search in the background.

    Raises ActionRefused.
    """
    with transaction.atomic():
        change = bulk_steps.start(selection, action, **arguments)
        tasks.continue_bulk_change.delay_on_commit(change_id=change.pk)
    return change


def merge_exact_copies(user: AbstractBaseUser) -> BulkChange:
    """Merge all exact copies of a user: the first ones at once, the rest later.

    Raises ActionRefused.
    """
    change = exact_copies.start(user)
    if bulk_steps.continue_change(change.pk, seconds=IMMEDIATE_SECONDS):
        tasks.continue_bulk_change.delay_on_commit(change_id=change.pk)
    change.refresh_from_db()
    return change


def transfer_images(owner: User, *, receiver: User, by: User) -> BulkChange:
    """Transfer all images of a user to another, except those in the trash.

    In the background if there are many. Raises ActionRefused.
    """
    query = parse(OwnerTerm(owner.get_username()).write())
    selection = Selection(by, query=query, all_owners=True)
    is_large = results.count(query, viewer=selection.viewer, cap=bulk.STEP_SIZE) > bulk.STEP_SIZE
    start = start_bulk_change if is_large else bulk.apply
    return start(selection, BulkChange.Action.GIVE, receiver=receiver)


def undo(token: int, *, by: AbstractBaseUser, at_once: int) -> BulkChange:
    """Undo a bulk change.

    In the background if it is still running or changed more than `at_once` images.

    Raises ActionRefused.
    """
    # The worker that is applying a change undoes it after its current step.
    is_open = BulkChange.objects.filter(pk=token, is_open=True).exists()
    if not is_open and ChangedImage.objects.filter(change=token)[: at_once + 1].count() <= at_once:
        return bulk.undo(token, by=by)
    with transaction.atomic():
        change = bulk_steps.undo(token, by=by)
        tasks.continue_bulk_change.delay_on_commit(change_id=change.pk)
    return change


def change_label(label_id: int, update: LabelUpdate, *, by_id: int) -> None:
    """Update a label, and reindex its images in the background. Raises ActionRefused."""
    with transaction.atomic():
        _reindex_labels(label_settings.update_label(label_id, update, by_id=by_id))


def merge_labels(label_ids: list[int], *, into_id: int, by_id: int) -> None:
    """Merge labels into one, and reindex their images in the background.

    Raises ActionRefused.
    """
    with transaction.atomic():
        _reindex_labels(label_settings.merge(label_ids, into_id=into_id, by_id=by_id))


def _reindex_labels(label_ids: list[int]) -> None:
    for label_id in label_ids:
        tasks.reindex_label.delay_on_commit(label_id=label_id)
