"""What a bulk command does to a bounded number of pictures at a time, and how that is put back.

Each pair takes pictures that are locked already. `do` answers what those it changed were before, by id; `put_back`
takes that and leaves alone what somebody changed since; it answers how many it put back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model

from analysis.curation import effect, trash
from analysis.models import Change, Image, ImageLabel, Label, Verdict
from analysis.store import library

Before = dict[int, dict[str, Any]]
Act = Change.Action
POSITIVE = (Verdict.Decision.CONFIRMED, Verdict.Decision.ADDED)


class Action(NamedTuple):
    do: Callable[[Change, list[int]], Before]
    put_back: Callable[[Change, Before], int]


def _add(change: Change, ids: list[int]) -> Before:
    said = _said(change, ids)
    return _say(change, {pk: said.get(pk) for pk in ids if not _is_positive(said.get(pk))}, Verdict.Decision.ADDED)


def _remove(change: Change, ids: list[int]) -> Before:
    """What a person added, and of tags what a person confirmed: nobody else says them."""
    is_tag = change.label is not None and change.label.kind == Label.Kind.TAG
    removable = POSITIVE if is_tag else (Verdict.Decision.ADDED,)
    return _unsay(change, {pk: each for pk, each in _said(change, ids).items() if each.decision in removable})


def _confirm(change: Change, ids: list[int]) -> Before:
    """Only where the label is to be seen: what is not there cannot be right."""
    said = _said(change, ids)
    open_to_it = {pk: said.get(pk) for pk in _carried(change, ids) if not _is_positive(said.get(pk))}
    return _say(change, open_to_it, Verdict.Decision.CONFIRMED)


def _reject(change: Change, ids: list[int]) -> Before:
    """Only where the label is to be seen; what only people said is taken back, as on the picture's page."""
    said, carried = _said(change, ids), _carried(change, ids)
    by_people = {pk: said[pk] for pk, analysis_id in carried.items() if analysis_id is None and pk in said}
    by_machine = {pk: said.get(pk) for pk, analysis_id in carried.items() if analysis_id is not None}
    return _unsay(change, by_people) | _say(change, by_machine, Verdict.Decision.REJECTED)


def _is_positive(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.decision in POSITIVE


def _said(change: Change, ids: list[int]) -> dict[int, Verdict]:
    return {each.image_id: each for each in Verdict.objects.filter(image_id__in=ids, label_id=_label_id(change))}


def _carried(change: Change, ids: list[int]) -> dict[int, int | None]:
    """The pictures that carry the label, with the analysis that says so, if one does."""
    rows = ImageLabel.objects.filter(image_id__in=ids, label_id=_label_id(change))
    return dict(rows.values_list("image_id", "analysis_id"))


def _label_id(change: Change) -> int:
    assert change.label_id is not None, "every action on words has one"  # noqa: S101
    return change.label_id


def _say(change: Change, said: dict[int, Verdict | None], decision: str) -> Before:
    """One word on all of these; it is told apart from any other by its moment, the change's own."""
    _write(
        Verdict(
            image_id=pk,
            label_id=_label_id(change),
            decision=decision,
            by_id=change.person_id,
            decided_at=change.done_at,
        )
        for pk in said
    )
    _take_effect(change, dict.fromkeys(said, decision))
    return {pk: _kept(each) for pk, each in said.items()}


def _unsay(change: Change, said: dict[int, Verdict]) -> Before:
    Verdict.objects.filter(image_id__in=said, label_id=_label_id(change)).delete()
    _take_effect(change, dict.fromkeys(said))
    return {pk: _kept(each) for pk, each in said.items()}


def _kept(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {}
    return {"decision": verdict.decision, "by": verdict.by_id, "at": verdict.decided_at.isoformat()}


def _write(verdicts: Any) -> None:
    Verdict.objects.bulk_create(
        verdicts,
        update_conflicts=True,
        unique_fields=["image", "label"],
        update_fields=["decision", "by", "decided_at"],
    )


def _take_effect(change: Change, decisions: Mapping[int, str | None]) -> None:
    """Search follows: by what is said of each picture now, None where that is nothing."""
    label = change.label
    assert label is not None, "every action on words has one"  # noqa: S101
    effect.carry([pk for pk, decision in decisions.items() if decision in POSITIVE], label)
    effect.drop([pk for pk, decision in decisions.items() if decision == Verdict.Decision.REJECTED], label)
    effect.leave_to_machine([pk for pk, decision in decisions.items() if decision is None], label)


def _put_back_words(change: Change, before: Before) -> int:
    said = _said(change, list(before))
    people = set(
        get_user_model()
        .objects.filter(pk__in={kept["by"] for kept in before.values() if kept})
        .values_list("pk", flat=True)
    )
    meant = {pk: kept for pk, kept in before.items() if _is_as_left(change, said.get(pk), kept)}
    Verdict.objects.filter(
        image_id__in=[pk for pk, kept in meant.items() if not kept], label_id=_label_id(change)
    ).delete()
    _write(
        Verdict(
            image_id=pk,
            label_id=_label_id(change),
            decision=kept["decision"],
            by_id=kept["by"] if kept["by"] in people else change.person_id,  # an account may be gone since
            decided_at=datetime.fromisoformat(kept["at"]),
        )
        for pk, kept in meant.items()
        if kept
    )
    _take_effect(change, {pk: kept.get("decision") for pk, kept in meant.items()})
    return len(meant)


def _is_as_left(change: Change, now: Verdict | None, before: dict[str, Any]) -> bool:
    """Whether the change's is still the last word: its own verdict, or none where it took one away."""
    if now is None:
        return bool(before) and change.action in {Act.REMOVE_TAG, Act.REJECT}
    return now.by_id == change.person_id and now.decided_at == change.done_at


def _open(change: Change, ids: list[int]) -> Before:
    others = Image.objects.filter(pk__in=ids).exclude(openness=_openness(change))
    before: Before = {pk: {"openness": openness} for pk, openness in others.values_list("pk", "openness")}
    library.open_to(list(before), _openness(change))
    return before


def _put_back_openness(change: Change, before: Before) -> int:
    as_left = set(Image.objects.filter(pk__in=before, openness=_openness(change)).values_list("pk", flat=True))
    for openness in Image.Openness.values:
        library.open_to([pk for pk in as_left if before[pk]["openness"] == openness], openness)
    return len(as_left)


def _openness(change: Change) -> int:
    assert change.openness is not None, "bulk.open_to says it"  # noqa: S101
    return change.openness


def _trash(change: Change, ids: list[int]) -> Before:
    return {pk: {} for pk in trash.trash(ids, at=change.done_at)}


def _put_back_trashed(change: Change, before: Before) -> int:
    as_left = Image.objects.filter(pk__in=before, trashed_at=change.done_at)
    return len(trash.restore_all(list(as_left.values_list("pk", flat=True))))


def _restore(_: Change, ids: list[int]) -> Before:
    moments = dict(Image.objects.filter(pk__in=ids).values_list("pk", "trashed_at"))
    return {pk: {"at": at.isoformat()} for pk in trash.restore_all(ids) if (at := moments[pk])}


def _put_back_restored(_: Change, before: Before) -> int:
    moments: dict[str, list[int]] = {}
    for pk, kept in before.items():
        moments.setdefault(kept["at"], []).append(pk)
    return sum(len(trash.trash(ids, at=datetime.fromisoformat(at))) for at, ids in moments.items())


ACTIONS: dict[str, Action] = {
    Act.ADD_TAG: Action(_add, _put_back_words),
    Act.REMOVE_TAG: Action(_remove, _put_back_words),
    Act.CONFIRM: Action(_confirm, _put_back_words),
    Act.REJECT: Action(_reject, _put_back_words),
    Act.OPEN_TO: Action(_open, _put_back_openness),
    Act.TRASH: Action(_trash, _put_back_trashed),
    Act.RESTORE: Action(_restore, _put_back_restored),
}
