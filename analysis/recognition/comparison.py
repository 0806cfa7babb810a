"""Compares results of an image or of model versions, and pins a result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import transaction

from analysis import audit_log
from analysis.models import Analysis, AuditEntry, Image
from analysis.recognition import responses
from analysis.recognition.detected_labels import detected_labels
from analysis.recognition.reindex_images import reindex

# Percent by which a confidence must differ to be reported.
MIN_CHANGE = 1.0


@dataclass(frozen=True)
class LabelChange:
    """A label's confidence in percent before and after.

    None where it was not detected.
    """

    kind: str
    name: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Comparison:
    """Differences between two model versions.

    `pictures`: images that both analyzed. The others: changed images by (kind, name) of the label.
    """

    pictures: int
    gained: Counter[tuple[str, str]]
    lost: Counter[tuple[str, str]]


def difference(api: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[LabelChange]:
    """Labels that are new in `after`, then missing ones, then changed ones."""
    old, new = _confidences(api, before), _confidences(api, after)
    changes = [LabelChange(*key, old.get(key), new.get(key)) for key in old.keys() | new.keys()]
    return sorted(
        (change for change in changes if _is_reported(change)),
        key=lambda change: (
            change.before is not None,
            change.after is not None,
            -(change.after or change.before or 0),
            change.name,
        ),
    )


def compare_versions(api: str, *, recognizer: str, before: str, after: str) -> Comparison:
    """Compare the results of two model versions over all images, in constant memory."""
    result = Comparison(0, Counter(), Counter())
    pictures = 0
    for old, new in _pairs(api, recognizer=recognizer, before=before, after=after):
        pictures += 1
        before_keys, after_keys = _confidences(api, old).keys(), _confidences(api, new).keys()
        result.gained.update(after_keys - before_keys)
        result.lost.update(before_keys - after_keys)
    return Comparison(pictures, result.gained, result.lost)


def pin(analysis: Analysis, *, by_id: int) -> None:
    """Make a finished analysis the current one; newer results do not replace it."""
    with transaction.atomic():
        siblings = _locked_siblings(analysis)
        siblings.exclude(pk=analysis.pk).update(is_current=False, is_pinned=False)
        siblings.filter(pk=analysis.pk).update(is_current=True, is_pinned=True)
        reindex([analysis.image_id])
        _record(AuditEntry.Action.PIN, analysis, by_id=by_id)


def unpin(analysis: Analysis, *, by_id: int) -> None:
    """Make the latest result the current one again."""
    with transaction.atomic():
        siblings = _locked_siblings(analysis)
        siblings.update(is_current=False, is_pinned=False)
        latest = siblings.filter(is_sample=False).order_by("-finished_at", "-pk").first()
        if latest:
            siblings.filter(pk=latest.pk).update(is_current=True)
        reindex([analysis.image_id])
        _record(AuditEntry.Action.UNPIN, analysis, by_id=by_id)


def _record(action: str, analysis: Analysis, *, by_id: int) -> None:
    details = {"api": analysis.api, "analysis": analysis.pk}
    audit_log.record(action, analysis.image, by_id=by_id, details=details)


def _locked_siblings(analysis: Analysis) -> Any:
    Image.objects.select_for_update().get(pk=analysis.image_id)
    return Analysis.objects.filter(image_id=analysis.image_id, api=analysis.api, state=Analysis.State.DONE)


def _pairs(
    api: str, *, recognizer: str, before: str, after: str
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    rows = (
        Analysis.objects.filter(
            api=api, recognizer=recognizer, state=Analysis.State.DONE, model_version__in=[before, after]
        )
        .order_by("image_id", "pk")
        .values_list("image_id", "model_version", "answer")
        .iterator(chunk_size=200)
    )
    for _, answers in groupby(rows, key=itemgetter(0)):
        latest = {version: answer for _, version, answer in answers}  # ordered by id, so the newest one wins
        if len(latest) == 2:
            yield latest[before] or {}, latest[after] or {}


def _confidences(api: str, answer: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    if api == Analysis.Api.TEXT:
        return {("text", line.text): line.confidence for line in responses.texts_in(answer) if line.is_line}
    labels = detected_labels(api, answer, threshold=settings.FACE_CONFIDENCE)
    return {(label.kind, label.name): label.confidence for label in labels}


def _is_reported(change: LabelChange) -> bool:
    return change.before is None or change.after is None or abs(change.after - change.before) >= MIN_CHANGE
