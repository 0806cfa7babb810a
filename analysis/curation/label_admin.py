"""What people make of a label: which other stands for it, from what confidence on it counts, whether it is shown.

Nothing that a machine answered is rewritten: pictures are indexed anew from their answers, now and whenever they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from analysis.curation.errors import ActionRefused
from analysis.models import Label

STALE_REVISION = (
    "Somebody changed this label since you opened it. Nothing was saved; open it again to see what it is now."
)


@dataclass(frozen=True)
class LabelUpdate:
    """What a label shall be. `revision`: as it was when it was looked at."""

    revision: int
    category: str
    is_hidden: bool
    threshold: int | None
    merged_into_id: int | None


def update_label(label_id: int, wanted: LabelUpdate) -> list[int]:
    """Save it; answers the labels whose pictures are to be gone through. Raises Refused."""
    with transaction.atomic():
        label, target = check(label_id, wanted)
        is_other = (label.threshold, label.merged_into_id) != (wanted.threshold, target)
        Label.objects.filter(pk=label_id).update(
            category=wanted.category,
            is_hidden=wanted.is_hidden,
            threshold=wanted.threshold,
            merged_into=target,
            revision=F("revision") + 1,
            **({"reindex_cursor": 0} if is_other else {}),
        )
        moved = list(Label.objects.filter(merged_into=label_id).values_list("pk", flat=True)) if is_other else []
        if target:  # what it stood for, the other stands for now: nothing is ever more than one step away
            Label.objects.filter(pk__in=moved).update(merged_into=target)
        Label.objects.filter(pk__in=moved).update(reindex_cursor=0)
    return [label_id, *moved] if is_other else []


def check(label_id: int, wanted: LabelUpdate) -> tuple[Label, int | None]:
    """The label, locked until the transaction's end, and the one that shall stand for it. Raises Refused."""
    both = Label.objects.select_for_update().filter(pk__in=[label_id, wanted.merged_into_id or label_id])
    list(both.order_by("pk"))  # in the order that everybody locks them: of two who merge crosswise one waits
    label = Label.objects.get(pk=label_id)
    if label.revision != wanted.revision:
        raise ActionRefused(STALE_REVISION)
    return label, _target(label, wanted.merged_into_id)


def merge(label_ids: list[int], *, into_id: int) -> list[int]:
    """Several at once, all or none; answers the labels whose pictures are to be gone through. Raises Refused."""
    with transaction.atomic():
        changed = list[int]()
        for label in Label.objects.filter(pk__in=label_ids).order_by("pk"):
            wanted = LabelUpdate(label.revision, label.category, label.is_hidden, label.threshold, into_id)
            changed += update_label(label.pk, wanted)
    return changed


def hide(label_ids: list[int], *, is_hidden: bool) -> int:
    return Label.objects.filter(pk__in=label_ids).update(is_hidden=is_hidden, revision=F("revision") + 1)


def _target(label: Label, into_id: int | None) -> int | None:
    """The label that shall stand for it. Raises Refused for a circle and for what is of another kind."""
    if into_id is None:
        return None
    if into_id == label.pk:
        raise ActionRefused(f"“{label}” cannot be merged into itself.")
    into = Label.objects.filter(pk=into_id).first()
    if into is None:
        raise ActionRefused("The label to merge it into is not there any more.")
    if into.kind != label.kind:
        raise ActionRefused(
            f"“{label}” is of the kind {label.get_kind_display()}, “{into}” of the kind {into.get_kind_display()}; "
            "only labels of one kind are merged."
        )
    if into.merged_into_id == label.pk:
        raise ActionRefused(f"“{into}” is merged into “{label}” already; the two would go round in a circle.")
    return into.merged_into_id or into.pk
