"""A bulk command on more pictures than a page waits for, and its undoing: begun here, gone on with by workers, a step
at a time.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from analysis.curation.actions import ACTIONS
from analysis.curation.bulk import STEP, Selection, put_back_step, stop
from analysis.curation.refused import Refused
from analysis.models import Audience, Change, ChangedImage
from analysis.search import results
from analysis.search.grammar import parse
from analysis.search.places import Place
from analysis.search.tree import Is, leaves

SPELL = 120.0
"""Seconds after which a worker ends and has itself announced again."""


def begin(selection: Selection, action: str, **of_what: Any) -> Change:
    """Write down what is to be done to every hit of a query. Raises Refused for what changes while it is gone through.

    The last of like pictures is no duplicate any more once the others are in the trash.
    """
    query = selection.query
    if query is None:
        raise Refused("Only a search can be gone through in the background.")
    if any(leaf == Is("duplicate") for part in query.parts for leaf in leaves(part)):
        raise Refused("Duplicates are gone through page by page: which they are changes with each that goes.")
    return Change.objects.create(
        person_id=selection.person.pk,
        action=action,
        is_of_everybody=selection.is_of_everybody,
        query=query.sorted_by("newest").text,
        is_open=True,
        **of_what,
    )


def undo(token: int, *, by: AbstractBaseUser) -> Change:
    """Have a change undone by workers. Raises Refused as bulk.undo does."""
    with transaction.atomic():
        change = stop(token, by=by)
        change.is_open = True
        change.save(update_fields=["is_open"])
    change.refresh_from_db()
    return change


def go_on(change_id: int, *, seconds: float = SPELL) -> bool:
    """Do or undo more of it; whether there is more to do. Safe to be killed and to be called twice at a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not _step(change_id):
            return False
    return True


def open_ones() -> list[int]:
    return list(Change.objects.filter(is_open=True).order_by("pk").values_list("pk", flat=True))


def _step(change_id: int) -> bool:
    """One step; False when it is over, or somebody else is at it."""
    with transaction.atomic():
        held = Change.objects.select_for_update(skip_locked=True).filter(pk=change_id, is_open=True)
        change = held.first()
        if change is None:
            return False
        is_more = _undo_step(change) if change.undone_at else _do_step(change)
        if not is_more:
            Change.objects.filter(pk=change_id).update(is_open=False)
    return is_more


def _undo_step(change: Change) -> bool:
    return put_back_step(change) is not None


def _do_step(change: Change) -> bool:
    ids, place = results.step(
        parse(change.query),
        audience=Audience(person_id=change.person_id, sees_all=change.is_of_everybody),
        after=Place.from_text(change.place),
        size=STEP,
        moment=change.done_at,
    )
    _do(change, ids)
    Change.objects.filter(pk=change.pk).update(place=str(place or ""))
    return place is not None


def _do(change: Change, ids: list[int]) -> None:
    action = ACTIONS[change.action]
    locked = action.among(change).select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    mine = list(locked.values_list("pk", flat=True))
    before = action.do(change, mine)
    # A worker that was killed may have gone through some of these in a step that was taken back: none is there twice.
    ChangedImage.objects.bulk_create(
        [ChangedImage(change=change, image_id=pk, before=kept) for pk, kept in before.items()], ignore_conflicts=True
    )
    Change.objects.filter(pk=change.pk).update(
        number=F("number") + len(before),
        unchanged=F("unchanged") + len(mine) - len(before),
        refused=F("refused") + len(ids) - len(mine),
    )
