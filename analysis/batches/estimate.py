"""Estimate of a run before its start: calls, cost and duration per API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from analysis.batches import lifecycle, selection
from analysis.formatting import dollars
from analysis.models import Analysis, Batch, Image
from analysis.recognition import aws_quotas, ledger, registry
from analysis.recognition.response_cache import find_cached_responses


@dataclass
class ApiEstimate:
    """Estimate of one API.

    `analyses`: to be queued. `reused`: those of them served from cache. `up_to_date`: pictures without need of one.
    """

    analyses: int = 0
    reused: int = 0
    up_to_date: int = 0
    in_progress: int = 0
    dollars: Decimal = Decimal(0)
    seconds: float | None = None
    """Duration of the calls at the present quota; None where nothing limits them."""

    @property
    def calls(self) -> int:
        return self.analyses - self.reused


@dataclass
class Estimate:
    """`examined`: pictures so far; `images`: those to analyze.

    `is_complete`: all were examined.
    """

    examined: int = 0
    images: int = 0
    by_api: dict[str, ApiEstimate] = field(default_factory=dict)
    is_complete: bool = True

    @property
    def analyses(self) -> int:
        return sum(api.analyses for api in self.by_api.values())

    @property
    def dollars(self) -> Decimal:
        return sum((api.dollars for api in self.by_api.values()), Decimal(0))

    @property
    def seconds(self) -> float | None:
        """Duration of the slowest API, since all are called in parallel."""
        return max((api.seconds for api in self.by_api.values() if api.seconds is not None), default=None)


def estimate(batch: Batch, *, maximum: int | None = None) -> Estimate:
    """Estimate a batch that is not saved yet, from at most `maximum` pictures."""
    # An estimate of a million pictures would take minutes, so it stops at a maximum; is_complete is then False.
    last = Estimate()
    for last in estimating(batch):
        if maximum is not None and last.examined >= maximum:
            last.is_complete = False
            break
    return add_costs(last, batch)


def estimate_unsaved(batch: Batch, *, named: Sequence[int], maximum: int) -> Estimate:
    """Estimate a batch that is not saved, from at most `maximum` images.

    `named`: the images of an ID list.
    """
    if not batch.uses_id_list:
        return estimate(batch, maximum=maximum)
    # The queries join the ID list, so it is saved for their duration and rolled back.
    with transaction.atomic():
        lifecycle.prepare(batch, named=named[:maximum])
        result = estimate(batch)
        transaction.set_rollback(True)
    # save() set a key, of a row that was rolled back. With that key a later save() would try an UPDATE.
    batch.pk = None
    result.is_complete = len(named) <= maximum
    return result


def estimating(batch: Batch) -> Iterator[Estimate]:
    """Yield the growing estimate after each page; `add_costs` completes it."""
    total = Estimate(by_api={api: ApiEstimate() for api in batch.apis})
    cursor: str | None = ""
    while cursor is not None and (batch.limit is None or total.images < batch.limit):
        page = selection.next_page(batch, cursor=cursor)
        cursor, total.examined = page.cursor, total.examined + len(page.image_ids)
        _add_page(total, batch, page.image_ids)
        yield total


def _add_page(total: Estimate, batch: Batch, image_ids: list[int]) -> None:
    number, pending = selection.pending_work_by_image(batch, image_ids, queued=total.images)
    total.images += number
    for api, work in pending.items():
        api_total = total.by_api[api]
        api_total.analyses += len(work.image_ids)
        api_total.reused += _count_cached(batch, api, work.image_ids)
        api_total.up_to_date += work.up_to_date
        api_total.in_progress += work.in_progress


def _count_cached(batch: Batch, api: str, image_ids: list[int]) -> int:
    """Number of pictures with a stored response.

    It is of another picture with the same bytes that the user can see.
    """
    if batch.is_forced or registry.get(batch.recognizer).region is None:
        return 0
    requests = [
        Analysis(pk=image.pk, image=image, api=api, recognizer=batch.recognizer, parameters=batch.parameters[api])
        for image in Image.objects.filter(pk__in=image_ids).only("sha256", "owner_id")
    ]
    return len(find_cached_responses(requests, owner_id=None if batch.all_owners else batch.person_id))


def add_costs(total: Estimate, batch: Batch) -> Estimate:
    """Add cost and duration at current prices and quotas."""
    region = registry.get(batch.recognizer).region
    if region is None:
        return total
    for api, api_total in total.by_api.items():
        (price,) = ledger.estimate(
            api_total.calls, apis=[api], parameters=batch.parameters, recognizer=batch.recognizer, region=region
        )
        api_total.dollars = price.dollars
        # Quotas are per account and region. Other runs that share them are ignored, since it is unknown when they end.
        calls_per_second = min(aws_quotas.quota(region, api), batch.rate or float("inf"))
        api_total.seconds = api_total.calls / calls_per_second
    return total


def warnings(batch: Batch, total: Estimate) -> list[str]:
    """Messages about the cost and the budgets that would stop the run early."""
    messages = []
    if total.dollars:
        messages.append(_("Costs at most %(cost)s.") % {"cost": dollars(total.dollars)})
    if batch.budget is not None and total.dollars > batch.budget:
        messages.append(
            _("The run will stop before that, when its budget of %(budget)s is spent.")
            % {"budget": dollars(batch.budget)}
        )
    left = ledger.remaining_person_budget(batch.recognizer, batch.person_id)
    if left is not None and total.dollars > left:
        messages.append(
            _("Your budget for this month has %(left)s left, so the run will stop before that.")
            % {"left": dollars(left)}
        )
    monthly = ledger.budget(batch.recognizer)
    if monthly.limit is not None and monthly.spent + monthly.reserved + total.dollars > monthly.limit:
        left = max(monthly.limit - monthly.spent - monthly.reserved, Decimal(0))
        messages.append(
            _("This month's budget has %(left)s left, so the run will stop before that.") % {"left": dollars(left)}
        )
    return messages
