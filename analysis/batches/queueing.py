"""Queues a batch's analyses in steps, never far ahead of the workers."""

from __future__ import annotations

from django.db import transaction

from analysis.batches import authorization, lifecycle, selection
from analysis.jobs import run_for
from analysis.models import Analysis, Batch
from analysis.recognition import enqueue
from analysis.search.errors import InvalidQuery

MAX_PENDING = 10_000
"""Analyses of a batch queued at a time, which limits the work of pausing it."""
MAX_RUN_SECONDS = 240.0


def queue_next(batch_id: int, *, max_pending: int = MAX_PENDING) -> list[str]:
    """Queue analyses up to the limit; returns the APIs with due analyses of the batch.

    May run concurrently, since other calls find the batch locked, and may be killed, since each step commits its
    cursor.
    """
    try:
        run_for(MAX_RUN_SECONDS, lambda: _step(batch_id, max_pending))
    except InvalidQuery as error:  # it was valid when the run was started, but the language has changed
        lifecycle.pause(batch_id, reason=str(error))
    return enqueue.due_apis(batch_id)  # even without a step, since a resumed batch may be fully queued


def _step(batch_id: int, max_pending: int) -> bool:
    """Queue one page; False if there is nothing to queue now."""
    with transaction.atomic():
        locked = Batch.objects.select_for_update(skip_locked=True, no_key=True)  # counters can be updated
        batch = locked.filter(pk=batch_id, state=Batch.State.RUNNING, is_fully_queued=False).first()
        if batch is None or authorization.refusal(batch):
            return False
        pending = Analysis.objects.filter(batch=batch, image__trashed_at=None).open()
        # Counted in each step, since workers finish analyses in between, and there are ten thousand rows at most.
        room = _max_pending(batch, max_pending) - pending.count()
        if room <= 0:
            return False
        size = max(1, min(selection.PAGE_SIZE, room // len(batch.apis)))
        page = selection.next_page(batch, cursor=batch.cursor, size=size)
        _queue(batch, page.image_ids)
        # The last page keeps the cursor, since an empty one would mean the first page; is_fully_queued marks the end.
        batch.cursor = page.cursor or batch.cursor
        batch.is_fully_queued = page.cursor is None or (batch.limit is not None and batch.images >= batch.limit)
        batch.save(update_fields=["cursor", "is_fully_queued", "images", "queued", "skipped"])
    return True


def _queue(batch: Batch, image_ids: list[int]) -> None:
    """Queue the missing analyses of these pictures, up to the batch's limit."""
    number, pending = selection.pending_work_by_image(batch, image_ids, queued=batch.images)
    queued = {api: enqueue.enqueue_batch(batch, api=api, image_ids=work.image_ids) for api, work in pending.items()}
    batch.images += number
    batch.queued += sum(queued.values())
    # Another run may have queued some between the two statements, which count as skipped, too.
    overtaken = sum(len(work.image_ids) - queued[api] for api, work in pending.items())
    batch.skipped += overtaken + sum(work.in_progress for work in pending.values())


def _max_pending(batch: Batch, max_pending: int) -> int:
    """Queue a batch with a rate limit one minute ahead, so that a pause acts soon."""
    if batch.rate is None:
        return max_pending
    return min(max_pending, max(len(batch.apis) * 10, int(batch.rate * 60) * len(batch.apis)))
