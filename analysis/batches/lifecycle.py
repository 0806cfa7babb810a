"""The life of a batch: started, paused, resumed, stopped by a budget, cancelled, done."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis.batches import authorization
from analysis.formatting import dollars
from analysis.models import Analysis, Batch, BatchImage
from analysis.recognition import enqueue, ledger, registry

State = Batch.State
STEP = 10_000


def prepare(batch: Batch, *, named: Iterable[int] = ()) -> None:
    """Save a batch, with the pictures it names, at rest: `resume` sets it going."""
    batch.state = State.PAUSED
    with transaction.atomic():
        batch.save(force_insert=True)
        rest = iter(named)
        while ids := list(islice(rest, STEP)):
            BatchImage.objects.bulk_create(
                [BatchImage(batch=batch, image_id=image_id) for image_id in ids], ignore_conflicts=True
            )


def pause(batch_id: int) -> bool:
    """Hold back what waits; what is under way ends by itself. False when it was not running."""
    return _leave(batch_id, State.PAUSED)


def resume(batch_id: int, *, budget: Decimal | None = None) -> bool:
    """Let it go on where it was; also a batch that a budget stopped, with another budget if one is given.

    False when there is nothing to resume.
    """
    with transaction.atomic():
        held = _locked(batch_id, State.PAUSED, State.STOPPED)
        other = {} if budget is None else {"budget": budget}
        if not held.update(state=State.RUNNING, reason="", changed_at=Now(), mailed_at=None, **other):
            return False
        enqueue.resume_items(Batch.objects.get(pk=batch_id))
    return True


def cancel(batch_id: int) -> bool:
    """End it: what waits is forgotten, what is answered stays. False when it was over already."""
    with transaction.atomic():
        alive = _locked(batch_id, State.RUNNING, State.PAUSED, State.STOPPED)
        if not alive.update(state=State.CANCELLED, finished_at=Now(), changed_at=Now()):
            return False
        enqueue.delete_pending(batch_id)
    return True


def advance_batches() -> list[int]:
    """Stop what has no money left, end what is done; answers those to be laid out further.

    Called every few seconds, by as many as like.
    """
    unfinished = list[int]()
    for batch in Batch.objects.filter(state=State.RUNNING).order_by("pk"):
        if reason := budget_stop_reason(batch):
            _leave(batch.pk, State.STOPPED, reason=reason)
        elif reason := authorization.refusal(batch):
            _leave(batch.pk, State.PAUSED, reason=reason)
        elif _is_over(batch):
            _end(batch.pk)
        elif not batch.is_fully_queued:
            unfinished.append(batch.pk)
    for batch_id in _left_behind():
        _stop(batch_id)
    return unfinished


def budget_stop_reason(batch: Batch) -> str:
    """Why nothing more of it can be paid for, as a sentence; empty while something can, or is under way."""
    region = registry.get(batch.recognizer).region
    if region is None or batch.analyses.filter(state=Analysis.State.RUNNING).exists():
        return ""
    prices, already = ledger.current_prices(batch.recognizer, region)
    waits = set(batch.analyses.filter(state=Analysis.State.QUEUED).values_list("api", flat=True).distinct())
    if not waits:
        return ""
    price = min(prices.price(api, batch.parameters.get(api, {}), already=already) for api in waits)
    left = next((each for each in ledger.remaining_batch_budgets(batch.recognizer) if each.batch_id == batch.pk), None)
    if left is not None and left.dollars < price:
        return spent_words(batch)
    of_person = ledger.remaining_person_budget(batch.recognizer, batch.person_id)
    if of_person is not None and of_person < price:
        return person_spent_words(batch)
    budget = ledger.budget(batch.recognizer)
    if budget.affordable(price, is_bulk=True) == 0:
        return f"This month's budget for bulk work, {dollars(budget.limit or Decimal(0))}, is spent."
    return ""


def spent_words(batch: Batch) -> str:
    return f"Its budget of {dollars(batch.budget or Decimal(0))} is spent."


def person_spent_words(batch: Batch) -> str:
    return _("%(person)s's budget for bulk runs this month, %(budget)s, is spent.") % {
        "person": batch.person,
        "budget": dollars(settings.PERSON_MONTHLY_BUDGET or Decimal(0)),
    }


def _is_over(batch: Batch) -> bool:
    """All laid out, and nothing waits but what is in the trash."""
    return batch.is_fully_queued and not batch.analyses.unfinished().filter(image__trashed_at=None).exists()


def _end(batch_id: int) -> None:
    """What still waits is about pictures in the trash: nobody asks about them any more."""
    with transaction.atomic():
        if _locked(batch_id, State.RUNNING).update(state=State.DONE, finished_at=Now()):
            enqueue.delete_pending(batch_id)


def _leave(batch_id: int, state: str, *, reason: str = "") -> bool:
    with transaction.atomic():
        if not _locked(batch_id, State.RUNNING).update(state=state, reason=reason, changed_at=Now()):
            return False
        enqueue.pause_items(batch_id)
    return True


def _left_behind() -> list[int]:
    """Batches at rest of which something waits all the same: it was under way when they were paused, and put back."""
    waits = Analysis.objects.filter(batch=OuterRef("pk"), state=Analysis.State.QUEUED, is_bulk=True)
    resting = Batch.objects.exclude(state=State.RUNNING)
    return list(resting.filter(Exists(waits)).values_list("pk", flat=True))


def _stop(batch_id: int) -> None:
    """Under the batch's lock, since somebody may have resumed it since it was looked at."""
    with transaction.atomic():
        state = Batch.objects.select_for_update(no_key=True).values_list("state", flat=True).get(pk=batch_id)
        if state in {State.PAUSED, State.STOPPED}:
            enqueue.pause_items(batch_id)
        elif state != State.RUNNING:
            enqueue.delete_pending(batch_id)


def _locked(batch_id: int, *states: str) -> QuerySet[Batch]:
    """The batch if it is in one of these states, locked until the transaction ends; its progress may be noted."""
    found = Batch.objects.filter(pk=batch_id, state__in=states)
    list(found.select_for_update(no_key=True).values_list("pk"))
    return found
