"""What a batch would come to, before it starts: calls, money and time, API by API. Nothing is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from analysis.batches import selection
from analysis.formatting import dollars
from analysis.models import Analysis, Batch, Image
from analysis.recognition import aws_quotas, ledger, registry
from analysis.recognition.response_cache import find_cached_responses


@dataclass
class ApiEstimate:
    """`analyses` will be queued; `reused` of them are answered from the store, `calls` are sent."""

    analyses: int = 0
    reused: int = 0
    settled: int = 0
    in_progress: int = 0
    dollars: Decimal = Decimal(0)
    seconds: float | None = None
    """How long the calls take at the present quota; None where nothing limits them."""

    @property
    def calls(self) -> int:
        return self.analyses - self.reused


@dataclass
class Estimate:
    """`looked_at`: pictures of the selection; `images`: those that need anything."""

    looked_at: int = 0
    images: int = 0
    by_api: dict[str, ApiEstimate] = field(default_factory=dict)
    is_whole: bool = True

    @property
    def analyses(self) -> int:
        return sum(each.analyses for each in self.by_api.values())

    @property
    def dollars(self) -> Decimal:
        return sum((each.dollars for each in self.by_api.values()), Decimal(0))

    @property
    def seconds(self) -> float | None:
        """The APIs are asked side by side: the slowest one decides."""
        return max((each.seconds for each in self.by_api.values() if each.seconds is not None), default=None)


def estimate(batch: Batch, *, maximum: int | None = None) -> Estimate:
    """For a batch that is not started yet; of a large selection, `most` pictures are looked at."""
    last = Estimate()
    for last in estimating(batch):
        if maximum is not None and last.looked_at >= maximum:
            last.is_whole = False
            break
    return estimate_and_save(last, batch)


def estimating(batch: Batch) -> Iterator[Estimate]:
    """The same while it grows, after each step, not priced yet."""
    found = Estimate(by_api={api: ApiEstimate() for api in batch.apis})
    place: str | None = ""
    while place is not None and (batch.limit is None or found.images < batch.limit):
        step = selection.next_page(batch, place=place)
        place, found.looked_at = step.place, found.looked_at + len(step.image_ids)
        _add(found, batch, step.image_ids)
        yield found


def _add(found: Estimate, batch: Batch, image_ids: list[int]) -> None:
    number, needs = selection.pending_work_by_image(batch, image_ids, taken=found.images)
    found.images += number
    for api, each in needs.items():
        of_api = found.by_api[api]
        of_api.analyses += len(each.image_ids)
        of_api.reused += _stored(batch, api, each.image_ids)
        of_api.settled += each.settled
        of_api.in_progress += each.in_progress


def _stored(batch: Batch, api: str, image_ids: list[int]) -> int:
    """How many of these an answer is stored for already, of the same bytes in another picture that one may see."""
    if batch.is_forced or registry.get(batch.recognizer).region is None:
        return 0
    asked = [
        Analysis(pk=image.pk, image=image, api=api, recognizer=batch.recognizer, parameters=batch.parameters[api])
        for image in Image.objects.filter(pk__in=image_ids).only("sha256")
    ]
    return len(find_cached_responses(asked, owner_id=None if batch.all_owners else batch.person_id))


def estimate_and_save(found: Estimate, batch: Batch) -> Estimate:
    """With money and time, at the present prices and quotas."""
    region = registry.get(batch.recognizer).region
    if region is None:
        return found
    for api, each in found.by_api.items():
        (price,) = ledger.estimate(
            each.calls, apis=[api], parameters=batch.parameters, recognizer=batch.recognizer, region=region
        )
        each.dollars = price.dollars
        a_second = min(aws_quotas.quota(region, api), batch.rate or float("inf"))
        each.seconds = each.calls / a_second
    return found


def warnings(batch: Batch, found: Estimate) -> list[str]:
    """What there is to be known of its money before it starts, a sentence each."""
    said = []
    if found.dollars:
        said.append(f"At most {dollars(found.dollars)} in all.")
    if batch.budget is not None and found.dollars > batch.budget:
        said.append(f"Its budget of {dollars(batch.budget)} stops it before that.")
    left = ledger.remaining_person_budget(batch.recognizer, batch.person_id)
    if left is not None and found.dollars > left:
        said.append(
            _("Your budget for this month has %(left)s left, which stops it before that.") % {"left": dollars(left)}
        )
    limit = ledger.budget(batch.recognizer)
    if limit.limit is not None and limit.spent + limit.reserved + found.dollars > limit.limit:
        left = max(limit.limit - limit.spent - limit.reserved, Decimal(0))
        said.append(f"This month's budget has {dollars(left)} left, which stops it before that.")
    return said
