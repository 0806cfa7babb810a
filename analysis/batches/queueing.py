"""Laying a batch out: its analyses are queued a step at a time, never many more than workers take in a while."""

from __future__ import annotations

import time

from django.db import transaction

from analysis.batches import authorization, selection
from analysis.models import Analysis, Batch
from analysis.recognition import enqueue

MAX_PENDING = 10_000
"""Analyses of a batch that wait at a time: so many are held back when it is paused, whatever the library's size."""
SPELL = 240.0
"""Seconds after which laying out ends, long before the broker would announce the task again."""


def queue_next(batch_id: int, *, most_open: int = MAX_PENDING) -> list[str]:
    """Queue analyses until so many wait or there are no more; answers the APIs that have work of it now.

    Safe to be called twice at a time: the second finds the batch locked and leaves. Safe to be killed: each step is
    whole, with the place it reached.
    """
    end = time.monotonic() + SPELL
    while time.monotonic() < end and _lay_step(batch_id, most_open):
        pass
    return enqueue.due_apis(batch_id)  # of one that was resumed all may be laid out already


def _lay_step(batch_id: int, most_open: int) -> bool:
    """One step; False when there is nothing to lay out now."""
    with transaction.atomic():
        locked = Batch.objects.select_for_update(skip_locked=True, no_key=True)  # progress may be noted meanwhile
        batch = locked.filter(pk=batch_id, state=Batch.State.RUNNING, is_fully_queued=False).first()
        if batch is None or authorization.refusal(batch):
            return False
        waits = Analysis.objects.filter(batch=batch, image__trashed_at=None).open()
        room = _most_open(batch, most_open) - waits.count()
        if room <= 0:
            return False
        size = max(1, min(selection.PAGE_SIZE, room // len(batch.apis)))
        step = selection.next_page(batch, place=batch.place, size=size)
        _queue(batch, step.image_ids)
        batch.place = step.place or batch.place
        batch.is_fully_queued = step.place is None or (batch.limit is not None and batch.images >= batch.limit)
        batch.save(update_fields=["place", "is_fully_queued", "images", "asked", "skipped"])
    return True


def _queue(batch: Batch, image_ids: list[int]) -> None:
    """Queue what these pictures need, as far as the batch's limit goes."""
    number, needs = selection.pending_work_by_image(batch, image_ids, taken=batch.images)
    asked = {api: enqueue.enqueue_batch(batch, api=api, image_ids=each.image_ids) for api, each in needs.items()}
    batch.images += number
    batch.asked += sum(asked.values())
    # What another run queued since these needs were looked up is passed over as well.
    overtaken = sum(len(each.image_ids) - asked[api] for api, each in needs.items())
    batch.skipped += overtaken + sum(each.in_progress for each in needs.values())


def _most_open(batch: Batch, most_open: int) -> int:
    """A slow batch is laid out a minute ahead, so that a changed mind does not wait for an hour's worth."""
    if batch.rate is None:
        return most_open
    return min(most_open, max(len(batch.apis) * 10, int(batch.rate * 60) * len(batch.apis)))
