"""State changes of a batch: start, pause, resume, stop by budget, cancel, finish."""

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
    """Save a batch and its listed pictures, paused until `resume` starts it."""
    # Paused until the list is complete, since every few seconds the sweeper queues pictures of running batches.
    batch.state, batch.is_by_account = State.PAUSED, batch.person_id is not None
    with transaction.atomic():
        batch.save(force_insert=True)
        image_ids = iter(named)
        while ids := list(islice(image_ids, STEP)):
            BatchImage.objects.bulk_create(
                # Without duplicates, since a list from a file or a form may name a picture twice.
                [BatchImage(batch=batch, image_id=image_id) for image_id in ids],
                ignore_conflicts=True,
            )


def pause(batch_id: int, *, reason: str = "") -> bool:
    """Pause queued analyses; running ones finish. False if the batch was not running."""
    return _pause_running(batch_id, State.PAUSED, reason=reason)


def resume(batch_id: int, *, budget: Decimal | None = None) -> bool:
    """Resume a paused or stopped batch, with a new budget if given.

    False for other states.
    """
    with transaction.atomic():
        locked = _lock(batch_id, State.PAUSED, State.STOPPED)
        fields = {} if budget is None else {"budget": budget}
        if not locked.update(state=State.RUNNING, reason="", changed_at=Now(), mailed_at=None, **fields):
            return False
        enqueue.resume_items(Batch.objects.get(pk=batch_id))
    return True


def cancel(batch_id: int, *, reason: str = "") -> bool:
    """Delete queued analyses and end the batch; results stay.

    False if it had already ended.
    """
    with transaction.atomic():
        # The lock's query includes the state, so of two users who press Cancel and Resume at the same time, one finds
        # nothing to change.
        locked = _lock(batch_id, State.RUNNING, State.PAUSED, State.STOPPED)
        fields = {"reason": reason} if reason else {}
        if not locked.update(state=State.CANCELLED, finished_at=Now(), changed_at=Now(), **fields):
            return False
        enqueue.delete_pending(batch_id)
    return True


def advance_batches() -> list[int]:
    """Stop batches without budget and end finished ones.

    Returns ids of batches with more to queue. Runs of deleted accounts end, since nobody may resume them.

    Called every few seconds; concurrent calls are safe.
    """
    unfinished = list[int]()
    for batch in Batch.objects.filter(state=State.RUNNING).order_by("pk"):
        if batch.is_orphaned:
            cancel(batch.pk, reason=authorization.refusal(batch))
        elif reason := budget_stop_reason(batch):
            _pause_running(batch.pk, State.STOPPED, reason=reason)
        elif reason := authorization.refusal(batch):
            _pause_running(batch.pk, State.PAUSED, reason=reason)
        elif _is_over(batch):
            _end(batch.pk)
        elif not batch.is_fully_queued:
            unfinished.append(batch.pk)
    for batch_id in _inactive_with_queued():
        _stop(batch_id)
    return unfinished


def budget_stop_reason(batch: Batch) -> str:
    """Reason to stop the batch; "" while a call is affordable or running."""
    region = registry.get(batch.recognizer).region
    # A call in progress has reserved its price and may release it, for example when it fails at no cost.
    if region is None or batch.analyses.filter(state=Analysis.State.RUNNING).exists():
        return ""
    prices, already = ledger.current_prices(batch.recognizer, region)
    queued_apis = set(batch.analyses.filter(state=Analysis.State.QUEUED).values_list("api", flat=True).distinct())
    if not queued_apis:
        return ""
    # By the cheapest API: as long as one of its calls is affordable, the run continues with it.
    price = min(prices.price(api, batch.parameters.get(api, {}), already=already) for api in queued_apis)
    remaining = {budget.batch_id: budget.dollars for budget in ledger.remaining_batch_budgets(batch.recognizer)}
    if remaining.get(batch.pk, price) < price:
        return budget_spent_message(batch)
    user_budget = ledger.remaining_person_budget(batch.recognizer, batch.person_id)
    if user_budget is not None and user_budget < price:
        return person_budget_spent_message(batch)
    budget = ledger.budget(batch.recognizer)
    if budget.affordable(price, is_bulk=True) == 0:
        return _("This month's budget for bulk runs, %(budget)s, is spent.") % {
            "budget": dollars(budget.limit or Decimal(0))
        }
    return ""


def budget_spent_message(batch: Batch) -> str:
    return _("Its budget of %(budget)s is spent.") % {"budget": dollars(batch.budget or Decimal(0))}


def person_budget_spent_message(batch: Batch) -> str:
    return _("%(person)s's budget for bulk runs this month, %(budget)s, is spent.") % {
        "person": batch.person,
        "budget": dollars(settings.PERSON_MONTHLY_BUDGET or Decimal(0)),
    }


def _is_over(batch: Batch) -> bool:
    """True if all is queued and only analyses of trashed pictures are unfinished."""
    return batch.is_fully_queued and not batch.analyses.unfinished().filter(image__trashed_at=None).exists()


def _end(batch_id: int) -> None:
    # Analyses still queued belong to pictures in the trash.
    with transaction.atomic():
        if _lock(batch_id, State.RUNNING).update(state=State.DONE, finished_at=Now()):
            enqueue.delete_pending(batch_id)


def _pause_running(batch_id: int, state: str, *, reason: str = "") -> bool:
    with transaction.atomic():
        if not _lock(batch_id, State.RUNNING).update(state=state, reason=reason, changed_at=Now()):
            return False
        enqueue.pause_items(batch_id)
    return True


def _inactive_with_queued() -> list[int]:
    """Batches that are not running but have queued analyses.

    These were requeued by workers after the pause.
    """
    queued = Analysis.objects.filter(batch=OuterRef("pk"), state=Analysis.State.QUEUED, is_bulk=True)
    inactive = Batch.objects.exclude(state=State.RUNNING)
    return list(inactive.filter(Exists(queued)).values_list("pk", flat=True))


def _stop(batch_id: int) -> None:
    # Read again under the lock: the batch may have been resumed in the meantime.
    with transaction.atomic():
        state = Batch.objects.select_for_update(no_key=True).values_list("state", flat=True).get(pk=batch_id)
        if state in {State.PAUSED, State.STOPPED}:
            enqueue.pause_items(batch_id)
        elif state != State.RUNNING:
            enqueue.delete_pending(batch_id)


def _lock(batch_id: int, *states: str) -> QuerySet[Batch]:
    """The batch, locked, if it is in one of these states.

    Workers can still insert analyses and entries that refer to it.
    """
    batches = Batch.objects.filter(pk=batch_id, state__in=states)
    list(batches.select_for_update(no_key=True).values_list("pk"))
    return batches
