"""Answers of different times beside each other: what was gained and lost, and which one counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import transaction

from analysis.models import Analysis, Image
from analysis.recognition import responses
from analysis.recognition.detected_labels import detected_labels
from analysis.recognition.search_index import reindex

MOVED = 1.0
"""Percent by which a confidence must differ to be called moved."""


@dataclass(frozen=True)
class LabelChange:
    """One label's confidence in percent, before and after; None where it was not found."""

    kind: str
    name: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Comparison:
    """Two model versions over all pictures that both have answered: in how many a label came or went."""

    pictures: int
    gained: Counter[tuple[str, str]]
    lost: Counter[tuple[str, str]]


def difference(api: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[LabelChange]:
    """What an answer has gained, lost and moved against an earlier one: gained first, then lost, then moved."""
    old, new = _confidences(api, before), _confidences(api, after)
    changes = [LabelChange(*key, old.get(key), new.get(key)) for key in old.keys() | new.keys()]
    return sorted(
        (each for each in changes if _is_change(each)),
        key=lambda each: (
            each.before is not None,
            each.after is not None,
            -(each.after or each.before or 0),
            each.name,
        ),
    )


def between_versions(api: str, *, recognizer: str, before: str, after: str) -> Comparison:
    """Every picture's last answers of the two versions, gone through in constant memory."""
    result = Comparison(0, Counter(), Counter())
    pictures = 0
    for old, new in _pairs(api, recognizer=recognizer, before=before, after=after):
        pictures += 1
        had, has = _confidences(api, old).keys(), _confidences(api, new).keys()
        result.gained.update(has - had)
        result.lost.update(had - has)
    return Comparison(pictures, result.gained, result.lost)


def pin(analysis: Analysis) -> None:
    """Make a finished answer the current one, and keep it so whatever is answered later."""
    with transaction.atomic():
        siblings = _locked_siblings(analysis)
        siblings.exclude(pk=analysis.pk).update(is_current=False, is_pinned=False)
        siblings.filter(pk=analysis.pk).update(is_current=True, is_pinned=True)
        reindex([analysis.image_id])


def unpin(analysis: Analysis) -> None:
    """Let the last answer count again."""
    with transaction.atomic():
        siblings = _locked_siblings(analysis)
        siblings.update(is_current=False, is_pinned=False)
        last = siblings.filter(is_sample=False).order_by("-finished_at", "-pk").first()
        if last:
            siblings.filter(pk=last.pk).update(is_current=True)
        reindex([analysis.image_id])


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
        last = {version: answer for _, version, answer in answers}
        if len(last) == 2:
            yield last[before] or {}, last[after] or {}


def _confidences(api: str, answer: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    if api == Analysis.Api.TEXT:
        return {("text", each.text): each.confidence for each in responses.texts_in(answer) if each.is_line}
    words = detected_labels(api, answer, threshold=settings.FACE_CONFIDENCE)
    return {(word.kind, word.name): word.confidence for word in words}


def _is_change(each: LabelChange) -> bool:
    return each.before is None or each.after is None or abs(each.after - each.before) >= MOVED
