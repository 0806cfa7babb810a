"""A few pictures really analyzed before the rest is: what would be gained, lost and moved. Nothing current changes."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from analysis.batches import selection
from analysis.models import Analysis, Batch
from analysis.recognition import comparison


@dataclass
class SampleComparison:
    """Labels by (kind, name): in how many of the sampled answers each came, went or moved by a percent or more."""

    answers: int = 0
    unchanged: int = 0
    first: int = 0
    """Pictures that had no answer before: all their labels are gained."""
    gained: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)


def draw_sample(batch: Batch, number: int) -> list[int]:
    """So many of the pictures that the batch would have analyzed, each as likely as any other."""
    chosen, seen, place = list[int](), 0, ""
    while True:
        step = selection.next_page(batch, place=place)
        needing = {pk for api in batch.apis for pk in selection.pending_work(batch, api, step.image_ids).image_ids}
        for image_id in (pk for pk in step.image_ids if pk in needing):
            seen += 1
            if len(chosen) < number:
                chosen.append(image_id)
            elif (place_in := random.randrange(seen)) < number:  # noqa: S311
                chosen[place_in] = image_id
        if step.place is None:
            return sorted(chosen)
        place = step.place


def sample_of(batch: Batch) -> Batch:
    """A batch that asks the same of the pictures drawn, and changes nothing."""
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
    """What the sample's answers have gained, lost and moved against the current ones."""
    found = SampleComparison()
    answered = sample.analyses.filter(state=Analysis.State.DONE).order_by("pk")
    for new in answered.iterator(chunk_size=200):
        old = Analysis.objects.current().filter(image_id=new.image_id, api=new.api).first()
        changes = comparison.difference(new.api, (old.answer if old else None) or {}, new.answer or {})
        found.answers += 1
        found.first += old is None
        found.unchanged += not changes
        for change in changes:
            side = found.gained if change.before is None else found.lost if change.after is None else found.moved
            side[change.kind, change.name] += 1
    return found
