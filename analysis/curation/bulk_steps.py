"""Bulk changes in the background, applied and undone by workers step by step."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _

from analysis import audit_log
from analysis.curation import exact_copies
from analysis.curation.bulk import STEP_SIZE, Selection, apply_step, begin_undo, undo_step
from analysis.curation.bulk_actions import includes_all_owners
from analysis.curation.errors import ActionRefused
from analysis.jobs import run_for
from analysis.models import BulkChange, Viewer
from analysis.search import results
from analysis.search.pagination import Cursor
from analysis.search.query import StateTerm, default_sort, leaves
from analysis.search.syntax.parser import parse

MAX_RUN_SECONDS = 120.0
Act = BulkChange.Action


def start(selection: Selection, action: str, **fields: Any) -> BulkChange:
    """Record a change to all results of a query.

    Raises ActionRefused without a query and for `is:duplicate`: once all but one of a group are in the trash, the last
    one is no longer a duplicate, so the results would depend on the order of the steps.
    """
    query = selection.query
    if query is None:
        raise ActionRefused(_("Only the results of a search can be changed in the background."))
    if any(leaf == StateTerm("duplicate") for part in query.parts for leaf in leaves(part)):
        raise ActionRefused(
            _("Duplicates can't be changed all at once: each change decides which others are still duplicates.")
            + " "
            + _("Select them page by page.")
        )
    with transaction.atomic():
        change = BulkChange.objects.create(
            person_id=selection.person.pk,
            action=action,
            all_owners=selection.all_owners,
            query=query.sorted_by(default_sort(query.parts)).text,
            is_open=True,
            **fields,
        )
        audit_log.entry_of_bulk_change(change)  # by the request, since the entry names its source
    return change


def undo(token: int, *, by: AbstractBaseUser) -> BulkChange:
    """Undo a change by workers. Raises ActionRefused as `bulk.undo` does."""
    with transaction.atomic():
        change = begin_undo(token, by=by)
        change.is_open = True
        change.save(update_fields=["is_open"])
        audit_log.entry_of_bulk_change(change, is_undo=True)
    change.refresh_from_db()
    return change


def continue_change(change_id: int, *, seconds: float = MAX_RUN_SECONDS) -> bool:
    """Apply or undo more of a change; True if there is more to do.

    May be killed or run concurrently.
    """
    return run_for(seconds, lambda: _step(change_id))


def pending_ids() -> list[int]:
    return list(BulkChange.objects.filter(is_open=True).order_by("pk").values_list("pk", flat=True))


def _step(change_id: int) -> bool:
    """One step; False if the change is finished or another worker holds it."""
    with transaction.atomic():
        # skip_locked, so that a second worker with the same message ends at once instead of waiting for a thousand
        # pictures.
        change = BulkChange.objects.select_for_update(skip_locked=True).filter(pk=change_id, is_open=True).first()
        if change is None:
            return False
        has_more = undo_step(change) is not None if change.undone_at else _apply_next(change)
        if not has_more:
            BulkChange.objects.filter(pk=change_id).update(is_open=False)
    return has_more


def _apply_next(change: BulkChange) -> bool:
    return exact_copies.merge_next(change) if change.action == Act.EXACT else _apply_next_page(change)


def _apply_next_page(change: BulkChange) -> bool:
    image_ids, cursor = results.ids_page(
        parse(change.query),
        viewer=Viewer(user_id=change.person_id, sees_all=includes_all_owners(change)),
        after=Cursor.from_text(change.cursor),
        size=STEP_SIZE,
        # As of the request, so that terms such as "added:today" keep their meaning.
        moment=change.done_at,
    )
    apply_step(change, image_ids)
    BulkChange.objects.filter(pk=change.pk).update(cursor=str(cursor or ""))
    return cursor is not None
