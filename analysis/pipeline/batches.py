"""Bulk runs: start and resume."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction

from analysis import tasks
from analysis.batches import authorization, lifecycle, start_tokens
from analysis.models import Batch


def run_batch(batch: Batch, *, named: Iterable[int] = ()) -> None:
    """Start a bulk run. `named`: ids of its images, if it lists them.

    Raises authorization.NotAllowed.
    """
    # Checked first, so that nothing is saved for a refused run.
    authorization.require(batch)
    with transaction.atomic():
        if batch.pk is None:
            lifecycle.prepare(batch, named=named)
        else:  # prepared for its estimate, which set these fields
            batch.save(update_fields=["expected", "budget"])
        resume_batch(batch.pk)
    batch.refresh_from_db()


def start_once(batch: Batch, *, token: str, named: Iterable[int] = ()) -> tuple[Batch, bool]:
    """Start the bulk run of an estimate, once.

    A repeated call returns the started run and False.

    Raises authorization.NotAllowed, and start_tokens.NoToken without an estimate.
    """
    return start_tokens.once(batch, token=token, start=lambda: run_batch(batch, named=named))


def resume_batch(batch_id: int, *, budget: Decimal | None = None) -> bool:
    """Resume a paused bulk run in the background, with another budget if given.

    False if it was not paused. Raises authorization.NotAllowed if its user may no longer run it.
    """
    authorization.require(Batch.objects.get(pk=batch_id))
    with transaction.atomic():
        is_resumed = lifecycle.resume(batch_id, budget=budget)
        if is_resumed:
            tasks.queue_batch.delay_on_commit(batch_id=batch_id)
    return is_resumed
