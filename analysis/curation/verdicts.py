"""People's verdicts on labels: confirmed, rejected or added, and their undo.

Functions that take ids expect the caller to hold locks on these pictures, taken in id order: everyone who writes
verdicts locks the pictures first, so that two writers can't deadlock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis import audit_log
from analysis.curation.errors import ActionRefused
from analysis.curation.index_updates import images_with_keyword, index_verdicts
from analysis.curation.tags import get_or_create_tag
from analysis.models import AuditEntry, Image, ImageLabel, Label, Verdict
from analysis.recognition.label_ancestors import images_with_descendant

CONFIRMED, REJECTED, ADDED = Verdict.Decision
POSITIVE = (CONFIRMED, ADDED)
Act = AuditEntry.Action
ACTIONS = {CONFIRMED: Act.CONFIRM, REJECTED: Act.REJECT, ADDED: Act.ADD_TAG}
PreviousState = dict[str, Any]
"""A verdict as JSON, empty for none. `is_gone`: the change deleted it without writing another."""


class VerdictChange(NamedTuple):
    """Label, user and time of a change.

    `by_id` and `at` identify the verdicts that it wrote.
    """

    label: Label
    by_id: int
    at: datetime | Now


def confirm(image_id: int, *, label_id: int, by_id: int) -> None:
    """Confirm a label, or a rejected one again.

    Raises ActionRefused if the picture doesn't have it.
    """
    with transaction.atomic():
        image, change = _start(image_id, label_id, by_id=by_id)
        before = verdicts_by_image(change.label, [image_id])
        if not before and not images_with_label(change.label, [image_id]):
            raise ActionRefused(_("This label is no longer on the picture."))
        _record(Act.CONFIRM, image, change, set_verdicts(change, _without_positive(before, [image_id]), CONFIRMED))


def reject(image_id: int, *, label_id: int, by_id: int) -> None:
    """Reject a label.

    Deletes the verdict instead if neither an analysis nor the file has the label.
    """
    with transaction.atomic():
        image, change = _start(image_id, label_id, by_id=by_id)
        _record(Act.REJECT, image, change, reject_label(change, [image_id]))


def add(image_id: int, *, name: str, by_id: int) -> Verdict:
    """Add a label by its name, or a tag; replaces a rejection.

    Raises ActionRefused for an invalid name.
    """
    with transaction.atomic():
        label = get_or_create_tag(name)
        image, change = _start(image_id, label.pk, by_id=by_id)
        _record(Act.ADD_TAG, image, change, add_label(change, [image_id]))
        return Verdict.objects.get(image_id=image_id, label=label)


def clear(image_id: int, *, label_id: int, by_id: int) -> None:
    """Delete the verdict on a label, if any, so that the analyses decide again."""
    with transaction.atomic():
        image = _lock(image_id)
        verdict = Verdict.objects.filter(image_id=image_id, label_id=label_id).select_related("label").first()
        if verdict is not None:
            before = clear_verdicts(verdict.label, {image_id: verdict})
            _record(Act.CLEAR, image, VerdictChange(verdict.label, by_id, Now()), before)


def decide(image_id: int, *, label_id: int, decision: str, by_id: int) -> Verdict:
    """Save this decision. A repeated decision keeps its author and time."""
    with transaction.atomic():
        image, change = _start(image_id, label_id, by_id=by_id)
        previous = verdicts_by_image(change.label, [image_id]).get(image_id)
        if previous is None or previous.decision != decision:
            before = set_verdicts(change, {image_id: previous}, decision)
            _record(ACTIONS[Verdict.Decision(decision)], image, change, before)
        return Verdict.objects.get(image_id=image_id, label_id=label_id)


def delete_verdict(verdict: Verdict, *, by_id: int) -> None:
    clear(verdict.image_id, label_id=verdict.label_id, by_id=by_id)


def add_label(change: VerdictChange, image_ids: Collection[int]) -> dict[int, PreviousState]:
    """Add the label where no one has added or confirmed it.

    Returns the previous state of the changed pictures.
    """
    before = verdicts_by_image(change.label, image_ids)
    return set_verdicts(change, _without_positive(before, image_ids), ADDED)


def remove_label(change: VerdictChange, image_ids: Collection[int]) -> dict[int, PreviousState]:
    """Delete added labels, and confirmations of tags.

    A tag from the file is rejected.
    """
    is_tag = change.label.kind == Label.Kind.TAG
    removable = POSITIVE if is_tag else (ADDED,)
    before = verdicts_by_image(change.label, image_ids)
    # Without a rejection, the next reindex would add a tag from the file again.
    from_file = set[int]()
    if is_tag:
        from_file = images_with_keyword(images_with_label(change.label, image_ids), change.label)
    from_people = {pk: verdict for pk, verdict in before.items() if verdict.decision in removable}
    cleared = clear_verdicts(change.label, {pk: from_people[pk] for pk in from_people.keys() - from_file})
    return cleared | set_verdicts(change, {pk: before.get(pk) for pk in sorted(from_file)}, REJECTED)


def confirm_label(change: VerdictChange, image_ids: Collection[int]) -> dict[int, PreviousState]:
    """Confirm the label on the pictures that have it."""
    before = verdicts_by_image(change.label, image_ids)
    return set_verdicts(change, _without_positive(before, images_with_label(change.label, image_ids)), CONFIRMED)


def reject_label(change: VerdictChange, image_ids: Collection[int]) -> dict[int, PreviousState]:
    """Reject the label on the pictures that have it.

    Where only people added it, delete their verdict.
    """
    before = verdicts_by_image(change.label, image_ids)
    analyses = images_with_label(change.label, image_ids)
    from_file = images_with_keyword(analyses, change.label)
    # Without a verdict, descendants of the label would bring it back.
    with_label = from_file | images_with_descendant(analyses, change.label.pk)
    detected = {pk: before.get(pk) for pk, analysis_id in analyses.items() if analysis_id or pk in with_label}
    from_people = {pk: verdict for pk, verdict in before.items() if pk in analyses and pk not in detected}
    return clear_verdicts(change.label, from_people) | set_verdicts(change, detected, REJECTED)


def verdicts_by_image(label: Label, image_ids: Collection[int]) -> dict[int, Verdict]:
    return {verdict.image_id: verdict for verdict in Verdict.objects.filter(image_id__in=image_ids, label=label)}


def images_with_label(label: Label, image_ids: Collection[int]) -> dict[int, int | None]:
    """Pictures with the label, each with the id of its analysis or None."""
    rows = ImageLabel.objects.filter(image_id__in=image_ids, label=label)
    return dict(rows.values_list("image_id", "analysis_id"))


def set_verdicts(
    change: VerdictChange, before: Mapping[int, Verdict | None], decision: str
) -> dict[int, PreviousState]:
    """Write one decision for all these pictures, replacing their present verdicts."""
    _save(_verdict(change.label, pk, decision, by_id=change.by_id, at=change.at) for pk in before)
    index_verdicts(change.label, dict.fromkeys(before, decision))
    return {pk: _as_json(verdict) if verdict else {} for pk, verdict in before.items()}


def clear_verdicts(label: Label, before: Mapping[int, Verdict]) -> dict[int, PreviousState]:
    """Delete the verdicts of these pictures."""
    if not before:
        return {}
    Verdict.objects.filter(image_id__in=before, label=label).delete()
    index_verdicts(label, dict.fromkeys(before))
    return {pk: {**_as_json(verdict), "is_gone": True} for pk, verdict in before.items()}


def restore_verdicts(change: VerdictChange, before: Mapping[int, PreviousState]) -> list[int]:
    """Restore verdicts that no one has changed since.

    Returns the ids of the pictures restored.
    """
    current = verdicts_by_image(change.label, before)
    restorable = {pk: state for pk, state in before.items() if _is_unchanged_since(change, current.get(pk), state)}
    empty = [pk for pk, state in restorable.items() if "decision" not in state]
    Verdict.objects.filter(image_id__in=empty, label=change.label).delete()
    _save(_verdicts_from_json(change, {pk: state for pk, state in restorable.items() if "decision" in state}))
    index_verdicts(change.label, {pk: state.get("decision") for pk, state in restorable.items()})
    return list(restorable)


def _lock(image_id: int) -> Image:
    """Raises ActionRefused if the picture no longer exists."""
    image = Image.objects.select_for_update().only("title", "filename").filter(pk=image_id).first()
    if image is None:
        raise ActionRefused(_("This picture no longer exists."))
    return image


def _start(image_id: int, label_id: int, *, by_id: int) -> tuple[Image, VerdictChange]:
    """Lock the picture.

    Raises ActionRefused if the picture or the label no longer exists.
    """
    image = _lock(image_id)
    label = Label.objects.filter(pk=label_id).first()
    if label is None:
        raise ActionRefused(_("This label is no longer on the picture."))
    return image, VerdictChange(label, by_id, Now())


def _record(action: str, image: Image, change: VerdictChange, before: Mapping[int, PreviousState]) -> None:
    """Add the change to the audit log, unless it changed nothing."""
    if image.pk in before:
        previous = before[image.pk].get("decision")
        details = {"before": previous} if previous else {}
        audit_log.record(action, image, by_id=change.by_id, label=change.label, details=details)


def _without_positive(before: Mapping[int, Verdict], image_ids: Iterable[int]) -> dict[int, Verdict | None]:
    verdicts = {pk: before.get(pk) for pk in image_ids}
    return {pk: verdict for pk, verdict in verdicts.items() if verdict is None or verdict.decision not in POSITIVE}


def _is_unchanged_since(change: VerdictChange, current: Verdict | None, state: PreviousState) -> bool:
    """True if the verdict is the change's own, or still missing if it deleted one."""
    if current is None:
        return "is_gone" in state
    return current.by_id == change.by_id and current.decided_at == change.at


def _verdicts_from_json(change: VerdictChange, before: Mapping[int, PreviousState]) -> Iterable[Verdict]:
    accounts = get_user_model().objects.filter(pk__in={state["by"] for state in before.values()})
    user_ids = set(accounts.values_list("pk", flat=True))
    for pk, state in before.items():
        by_id = state["by"] if state["by"] in user_ids else change.by_id  # the account may have been deleted
        yield _verdict(change.label, pk, state["decision"], by_id=by_id, at=datetime.fromisoformat(state["at"]))


def _verdict(label: Label, image_id: int, decision: str, *, by_id: int, at: datetime | Now) -> Verdict:
    return Verdict(image_id=image_id, label=label, decision=decision, by_id=by_id, decided_at=at)


def _as_json(verdict: Verdict) -> PreviousState:
    return {"decision": verdict.decision, "by": verdict.by_id, "at": verdict.decided_at.isoformat()}


def _save(verdicts: Iterable[Verdict]) -> None:
    Verdict.objects.bulk_create(
        verdicts,
        update_conflicts=True,
        unique_fields=["image", "label"],
        update_fields=["decision", "by", "decided_at"],
    )
