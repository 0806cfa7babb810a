"""A bulk command on more pictures than a page waits for, and its undoing: begun here, gone on with by workers, a step
at a time.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from analysis.curation.bulk import STEP_SIZE, Selection, begin_undo, undo_step
from analysis.curation.bulk_actions import ACTIONS, all_owners
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange, ChangedImage, Viewer
from analysis.search import results
from analysis.search.pagination import Cursor
from analysis.search.query import StateTerm, leaves
from analysis.search.syntax.parser import parse

SPELL = 120.0
"""Seconds after which a worker ends and has itself announced again."""


def start(selection: Selection, action: str, **of_what: Any) -> BulkChange:
    """Write down what is to be done to every hit of a query. Raises Refused for what changes while it is gone through.

    The last of like pictures is no duplicate any more once the others are in the trash.
    """
    query = selection.query
    if query is None:
        raise ActionRefused("Only a search can be gone through in the background.")
    if any(leaf == StateTerm("duplicate") for part in query.parts for leaf in leaves(part)):
        raise ActionRefused("Duplicates are gone through page by page: which they are changes with each that goes.")
    return BulkChange.objects.create(
        person_id=selection.person.pk,
        action=action,
        all_owners=selection.all_owners,
        query=query.sorted_by("newest").text,
        is_open=True,
        **of_what,
    )


def undo(token: int, *, by: AbstractBaseUser) -> BulkChange:
    """Have a change undone by workers. Raises Refused as bulk.undo does."""
    with transaction.atomic():
        change = begin_undo(token, by=by)
        change.is_open = True
        change.save(update_fields=["is_open"])
    change.refresh_from_db()
    return change


def continue_change(change_id: int, *, seconds: float = SPELL) -> bool:
    """Do or undo more of it; whether there is more to do. Safe to be killed and to be called twice at a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not _step(change_id):
            return False
    return True


def pending_ids() -> list[int]:
    return list(BulkChange.objects.filter(is_open=True).order_by("pk").values_list("pk", flat=True))


def _step(change_id: int) -> bool:
    """One step; False when it is over, or somebody else is at it."""
    with transaction.atomic():
        held = BulkChange.objects.select_for_update(skip_locked=True).filter(pk=change_id, is_open=True)
        change = held.first()
        if change is None:
            return False
        is_more = _undo_step(change) if change.undone_at else _do_step(change)
        if not is_more:
            BulkChange.objects.filter(pk=change_id).update(is_open=False)
    return is_more


def _undo_step(change: BulkChange) -> bool:
    return undo_step(change) is not None


def _do_step(change: BulkChange) -> bool:
    ids, place = results.ids_page(
        parse(change.query),
        viewer=Viewer(person_id=change.person_id, sees_all=all_owners(change)),
        after=Cursor.from_text(change.place),
        size=STEP_SIZE,
        moment=change.done_at,
    )
    _do(change, ids)
    BulkChange.objects.filter(pk=change.pk).update(place=str(place or ""))
    return place is not None


def _do(change: BulkChange, ids: list[int]) -> None:
    action = ACTIONS[change.action]
    locked = action.among(change).select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    mine = list(locked.values_list("pk", flat=True))
    before = action.do(change, mine)
    # A worker that was killed may have gone through some of these in a step that was taken back: none is there twice.
    ChangedImage.objects.bulk_create(
        [ChangedImage(change=change, image_id=pk, before=kept) for pk, kept in before.items()], ignore_conflicts=True
    )
    BulkChange.objects.filter(pk=change.pk).update(
        number=F("number") + len(before),
        unchanged=F("unchanged") + len(mine) - len(before),
        refused=F("refused") + len(ids) - len(mine),
    )
