"""Writes the output of analyze_images, as sentences or JSON lines."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.management.base import OutputWrapper
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from tqdm import tqdm

from analysis.batches import report
from analysis.batches.estimate import ApiEstimate, Estimate, add_costs, estimating, warnings
from analysis.batches.progress import Progress, progress
from analysis.batches.sampling import SampleComparison
from analysis.formatting import count, dollars, duration, pictures, plural
from analysis.models import Batch

MAX_LABELS = 15


class BatchOutput:
    """Output of one of both kinds: `line` writes sentences, `object` JSON."""

    def __init__(self, out: OutputWrapper, *, is_json: bool) -> None:
        self._out, self.is_json = out, is_json

    def line(self, text: str) -> None:
        if not self.is_json:
            self._out.write(text)

    def object(self, **values: Any) -> None:
        if self.is_json:
            self._out.write(json.dumps(values, default=_json_value))
            self._out.flush()

    def started(self, batch: Batch) -> None:
        self.object(batch=batch.pk, state=batch.state)
        sentence = _("Bulk run %(id)s started in the background. To see its progress, run: %(command)s")
        self.line(sentence % {"id": batch.pk, "command": f"manage.py analyze_images --status {batch.pk}"})

    def make_estimate(self, batch: Batch) -> Estimate:
        """Estimate a batch, with a progress bar on a terminal."""
        estimate = Estimate()
        with tqdm(
            unit=_(" pictures"), desc=_("Estimating"), disable=True if self.is_json else None, leave=False
        ) as bar:
            for estimate in estimating(batch):
                bar.update(estimate.examined - bar.n)
        return add_costs(estimate, batch)

    def estimate(self, batch: Batch, estimate: Estimate) -> None:
        self.object(
            pictures=estimate.examined,
            images=estimate.images,
            analyses=estimate.analyses,
            dollars=estimate.dollars,
            seconds=estimate.seconds,
            apis={api: {**asdict(of_api), "calls": of_api.calls} for api, of_api in estimate.by_api.items()},
        )
        sentence = _("%(needed)s of %(pictures)s to analyze:")
        self.line(sentence % {"needed": count(estimate.images), "pictures": pictures(estimate.examined)})
        for api, of_api in estimate.by_api.items():
            self.line(f"  {api:<12}{_describe_api(of_api)}")
        for warning in warnings(batch, estimate):
            self.line(warning)

    def comparison(self, sample: SampleComparison) -> None:
        """The labels that a sample gained and lost."""
        sides = {"gained": sample.gained, "lost": sample.lost, "moved": sample.moved}
        by_name = {side: {name: number for (_kind, name), number in labels.items()} for side, labels in sides.items()}
        self.object(sampled=sample.answers, unchanged=sample.unchanged, first=sample.first, **by_name)
        results = plural(ngettext("%(number)s result", "%(number)s results", sample.answers), sample.answers)
        sentence = _("Sample: %(results)s, %(unchanged)s unchanged, %(first)s without an earlier result.")
        self.line(sentence % {"results": results, "unchanged": count(sample.unchanged), "first": count(sample.first)})
        titles = {"gained": _("gained"), "lost": _("lost"), "moved": _("moved")}
        for side, labels in sides.items():
            self.line(f"  {titles[side]:<8}{_top_labels(labels)}")

    def status(self, batch_id: int, *, is_done: bool = True, refusal: str = "") -> int:
        """Write the batch's state, or why the option had no effect (then it returns 1)."""
        state = progress(batch_id)
        if state:
            self.object(**describe_batch(state), is_done=is_done)
        if not is_done:
            self.line(refusal)
        for text in report.report_lines(batch_id):
            self.line(text)
        return 0 if is_done else 1


def describe_batch(state: Progress) -> dict[str, Any]:
    """A batch's progress for programs."""
    batch = state.batch
    return {
        "batch": batch.pk,
        "state": batch.state,
        "reason": batch.reason,
        "queued": batch.queued,
        "total": state.total,
        "done": state.done,
        "failed": state.failed,
        "reused": state.reused,
        "waiting": state.waiting,
        "running": state.running,
        "dollars": state.dollars,
        "budget": batch.budget,
        "pace": round(batch.pace, 2),
        "seconds_left": state.seconds_left,
    }


def has_terminal() -> bool:
    return sys.stderr.isatty()


def _describe_api(estimate: ApiEstimate) -> str:
    parts = [
        plural(ngettext("%(number)s call", "%(number)s calls", estimate.calls), estimate.calls),
        _("%(number)s from cache") % {"number": count(estimate.reused)},
    ]
    if estimate.up_to_date:
        parts.append(_("%(number)s already up to date") % {"number": count(estimate.up_to_date)})
    if estimate.in_progress:
        parts.append(_("%(number)s already in progress") % {"number": count(estimate.in_progress)})
    if estimate.dollars:
        parts.append(dollars(estimate.dollars))
    if estimate.seconds is not None and estimate.calls:
        parts.append(_("about %(duration)s") % {"duration": duration(estimate.seconds)})
    return ", ".join(parts)


def _top_labels(labels: Counter[tuple[str, str]]) -> str:
    ranked = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    text = ", ".join(f"{name} {count(number)}" for (_kind, name), number in ranked[:MAX_LABELS])
    if len(ranked) > MAX_LABELS:
        return _("%(labels)s and %(number)s more") % {"labels": text, "number": count(len(ranked) - MAX_LABELS)}
    return text or _("none")


def _json_value(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(type(value).__name__)
