"""Comparison runs on a few random pictures; their results are stored but not used."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from analysis.batches import selection
from analysis.models import Analysis, Batch
from analysis.recognition import comparison


@dataclass
class SampleComparison:
    """Numbers of sampled results by gained, lost and changed labels."""

    answers: int = 0
    unchanged: int = 0
    first: int = 0
    """Pictures without an earlier result: all their labels are gained."""
    gained: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)


def draw_sample(batch: Batch, number: int) -> list[int]:
    """A uniform random sample of the pictures to analyze (reservoir sampling)."""
    chosen, count, cursor = list[int](), 0, ""
    while True:
        page = selection.next_page(batch, cursor=cursor)
        pending = {pk for api in batch.apis for pk in selection.pending_work(batch, api, page.image_ids).image_ids}
        for image_id in (pk for pk in page.image_ids if pk in pending):
            count += 1
            if len(chosen) < number:
                chosen.append(image_id)
            # Each picture so far is kept with the same probability, without knowing how many will follow (Vitter,
            # 1985).
            elif (index := random.randrange(count)) < number:
                chosen[index] = image_id
        if page.cursor is None:
            # In the order of their IDs, which is that of a listed run's cursor.
            return sorted(chosen)
        cursor = page.cursor


def sample_of(batch: Batch) -> Batch:
    """An unsaved sample batch with the same parameters."""
    return Batch(
        person=batch.person,
        all_owners=batch.all_owners,
        recognizer=batch.recognizer,
        parameters=batch.parameters,
        is_forced=batch.is_forced,
        budget=batch.budget,
        rate=batch.rate,
        is_sample=True,
        uses_id_list=True,
    )


def compare_sample(sample: Batch) -> SampleComparison:
    """Compare the sample's results with the current ones."""
    total = SampleComparison()
    finished = sample.analyses.filter(state=Analysis.State.DONE).order_by("pk")
    for new in finished.iterator(chunk_size=200):
        old = Analysis.objects.current().filter(image_id=new.image_id, api=new.api).first()
        changes = comparison.difference(new.api, (old.answer if old else None) or {}, new.answer or {})
        total.answers += 1
        total.first += old is None
        total.unchanged += not changes
        for change in changes:
            side = total.gained if change.before is None else total.lost if change.after is None else total.moved
            side[change.kind, change.name] += 1
    return total
