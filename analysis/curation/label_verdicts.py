"""A person's word on one label of many pictures, and how it is put back exactly. The caller locks the pictures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model

from analysis.curation import index_updates
from analysis.models import ImageLabel, Label, Verdict

PreviousState = dict[str, Any]
"""What was said before, empty for nothing; `is_gone` where the command took a verdict away and wrote none."""
POSITIVE = (Verdict.Decision.CONFIRMED, Verdict.Decision.ADDED)


class VerdictChange(NamedTuple):
    """Of which label a command speaks, for whom and when: that tells its verdicts from any other's."""

    label: Label
    by_id: int
    at: datetime


def verdicts(word: VerdictChange, ids: Collection[int]) -> dict[int, Verdict]:
    return {each.image_id: each for each in Verdict.objects.filter(image_id__in=ids, label=word.label)}


def images_with_label(word: VerdictChange, ids: Collection[int]) -> dict[int, int | None]:
    """The pictures that carry the label, with the analysis that says so, if one does."""
    rows = ImageLabel.objects.filter(image_id__in=ids, label=word.label)
    return dict(rows.values_list("image_id", "analysis_id"))


def is_positive(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.decision in POSITIVE


def set_verdicts(word: VerdictChange, before: Mapping[int, Verdict | None], decision: str) -> dict[int, PreviousState]:
    """One word on all of these, in the place of what was said before."""
    _write(_verdict(word, pk, decision, by_id=word.by_id, at=word.at) for pk in before)
    _take_effect(word.label, dict.fromkeys(before, decision))
    return {pk: _kept(each) if each else {} for pk, each in before.items()}


def clear_verdicts(word: VerdictChange, before: Mapping[int, Verdict]) -> dict[int, PreviousState]:
    """Nothing is said of these any more."""
    Verdict.objects.filter(image_id__in=before, label=word.label).delete()
    _take_effect(word.label, dict.fromkeys(before))
    return {pk: {**_kept(each), "is_gone": True} for pk, each in before.items()}


def restore_verdicts(word: VerdictChange, before: Mapping[int, PreviousState]) -> int:
    """What was said before is said again where nobody spoke since; answers of how many pictures."""
    now = verdicts(word, list(before))
    meant = {pk: kept for pk, kept in before.items() if _is_as_left(word, now.get(pk), kept)}
    silent = [pk for pk, kept in meant.items() if "decision" not in kept]
    Verdict.objects.filter(image_id__in=silent, label=word.label).delete()
    _write(_again(word, {pk: kept for pk, kept in meant.items() if "decision" in kept}))
    _take_effect(word.label, {pk: kept.get("decision") for pk, kept in meant.items()})
    return len(meant)


def _is_as_left(word: VerdictChange, now: Verdict | None, kept: PreviousState) -> bool:
    """Whether the command's is still the last word: its own verdict, or none where it took one away."""
    if now is None:
        return "is_gone" in kept
    return now.by_id == word.by_id and now.decided_at == word.at


def _again(word: VerdictChange, before: Mapping[int, PreviousState]) -> Iterable[Verdict]:
    accounts = get_user_model().objects.filter(pk__in={kept["by"] for kept in before.values()})
    people = set(accounts.values_list("pk", flat=True))
    for pk, kept in before.items():
        by_id = kept["by"] if kept["by"] in people else word.by_id  # an account may be gone since
        yield _verdict(word, pk, kept["decision"], by_id=by_id, at=datetime.fromisoformat(kept["at"]))


def _verdict(word: VerdictChange, image_id: int, decision: str, *, by_id: int, at: datetime) -> Verdict:
    return Verdict(image_id=image_id, label=word.label, decision=decision, by_id=by_id, decided_at=at)


def _kept(verdict: Verdict) -> PreviousState:
    return {"decision": verdict.decision, "by": verdict.by_id, "at": verdict.decided_at.isoformat()}


def _write(said: Iterable[Verdict]) -> None:
    Verdict.objects.bulk_create(
        said,
        update_conflicts=True,
        unique_fields=["image", "label"],
        update_fields=["decision", "by", "decided_at"],
    )


def _take_effect(label: Label, decisions: Mapping[int, str | None]) -> None:
    """Search follows: by what is said of each picture now, None where that is nothing."""
    index_updates.index_confirmed([pk for pk, decision in decisions.items() if decision in POSITIVE], label)
    index_updates.index_rejected(
        [pk for pk, decision in decisions.items() if decision == Verdict.Decision.REJECTED], label
    )
    index_updates.index_from_analysis([pk for pk, decision in decisions.items() if decision is None], label)
