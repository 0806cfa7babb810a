"""A batch in words on a terminal, or one JSON object a line for programs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.management.base import OutputWrapper
from django.utils.translation import ngettext
from tqdm import tqdm

from analysis.batches import report
from analysis.batches.estimate import Estimate, add_costs, estimating, warnings
from analysis.batches.progress import Progress, progress
from analysis.batches.sampling import SampleComparison
from analysis.formatting import dollars, duration, pictures, plural
from analysis.models import Batch

MOST_LISTED = 15


class BatchOutput:
    def __init__(self, out: OutputWrapper, *, is_json: bool) -> None:
        self._out, self.is_json = out, is_json

    def line(self, text: str) -> None:
        if not self.is_json:
            self._out.write(text)

    def object(self, **values: Any) -> None:
        if self.is_json:
            self._out.write(json.dumps(values, default=_plain))
            self._out.flush()

    def started(self, batch: Batch) -> None:
        self.object(batch=batch.pk, state=batch.state)
        self.line(f"Batch {batch.pk} runs in the background. See: manage.py analyze_images --status {batch.pk}")

    def estimating(self, batch: Batch) -> Estimate:
        """Count what a batch would come to, with a bar where somebody looks on."""
        found = Estimate()
        with tqdm(unit=" pictures", desc="Counting", disable=True if self.is_json else None, leave=False) as bar:
            for found in estimating(batch):
                bar.update(found.looked_at - bar.n)
        return add_costs(found, batch)

    def estimate(self, batch: Batch, found: Estimate) -> None:
        self.object(
            pictures=found.looked_at,
            images=found.images,
            analyses=found.analyses,
            dollars=found.dollars,
            seconds=found.seconds,
            apis={api: {**asdict(each), "calls": each.calls} for api, each in found.by_api.items()},
        )
        self.line(f"{pictures(found.looked_at)} looked at, {found.images:,} to be analyzed:")
        for api, each in found.by_api.items():
            self.line(f"  {api:<12}{_of_api(each)}")
        for sentence in warnings(batch, found):
            self.line(sentence)

    def difference(self, found: SampleComparison) -> None:
        sides = {"gained": found.gained, "lost": found.lost, "moved": found.moved}
        counts = {side: {name: number for (_, name), number in each.items()} for side, each in sides.items()}
        self.object(sampled=found.answers, unchanged=found.unchanged, first=found.first, **counts)
        answers = plural(ngettext("%(number)s answer", "%(number)s answers", found.answers), found.answers)
        self.line(f"{answers} sampled: {found.unchanged:,} the same as before, {found.first:,} where there was none.")
        for side, counted in sides.items():
            self.line(f"  {side:<8}{_listed(counted)}")

    def told(self, batch_id: int, is_done: bool, otherwise: str) -> int:
        """Say how a batch stands now; 1 when what was asked could not be done."""
        found = progress(batch_id)
        if found:
            self.object(**describe_batch(found), is_done=is_done)
        if not is_done:
            self.line(otherwise)
        for text in report.report_lines(batch_id):
            self.line(text)
        return 0 if is_done else 1


def describe_batch(found: Progress) -> dict[str, Any]:
    """A batch's progress for programs."""
    batch = found.batch
    return {
        "batch": batch.pk,
        "state": batch.state,
        "reason": batch.reason,
        "asked": batch.asked,
        "total": found.total,
        "done": found.done,
        "failed": found.failed,
        "reused": found.reused,
        "waiting": found.waiting,
        "running": found.running,
        "dollars": found.dollars,
        "budget": batch.budget,
        "pace": round(batch.pace, 2),
        "seconds_left": found.seconds_left,
    }


def is_watched() -> bool:
    return sys.stderr.isatty()


def _of_api(each: Any) -> str:
    parts = [f"{each.calls:,} calls", f"{each.reused:,} from the store"]
    if each.settled:
        parts.append(f"{each.settled:,} answered so already")
    if each.in_progress:
        parts.append(f"{each.in_progress:,} under way already")
    if each.dollars:
        parts.append(dollars(each.dollars))
    if each.seconds is not None and each.calls:
        parts.append(f"about {duration(each.seconds)}")
    return ", ".join(parts)


def _listed(counted: Counter[tuple[str, str]]) -> str:
    ranked = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    listed = ", ".join(f"{name} {number:,}" for (_, name), number in ranked[:MOST_LISTED])
    more = f" and {len(ranked) - MOST_LISTED:,} more" if len(ranked) > MOST_LISTED else ""
    return listed + more or "nothing"


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(type(value).__name__)
