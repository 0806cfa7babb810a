"""Changes to labels: merging, confidence thresholds, hiding.

Stored analyses are never rewritten. Pictures are reindexed from them, now for the changed labels and in any later
reindex, with the present merges and thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis import audit_log
from analysis.curation.errors import ActionRefused
from analysis.models import AuditEntry, Label
from analysis.recognition.label_ancestors import lock_parents, refresh_ancestors, reindex_descendants

STALE_REVISION = gettext_lazy("Someone else changed this label after you opened it. Reload and try again.")


@dataclass(frozen=True)
class LabelUpdate:
    """New values of a label. `revision`: the one the form was opened with."""

    revision: int
    category: str
    is_hidden: bool
    threshold: int | None
    merged_into_id: int | None


def update_label(label_id: int, update: LabelUpdate, *, by_id: int) -> list[int]:
    """Save the label; returns the labels whose pictures need a reindex.

    Raises ActionRefused.
    """
    with transaction.atomic():
        lock_parents()  # before the labels' rows, in the order of the indexing workers
        label, target_id = validate(label_id, update)
        _record(label, update, target_id, by_id=by_id)
        is_moved = label.merged_into_id != target_id
        needs_reindex = is_moved or label.threshold != update.threshold
        Label.objects.filter(pk=label_id).update(
            category=update.category,
            is_hidden=update.is_hidden,
            threshold=update.threshold,
            merged_into=target_id,
            revision=F("revision") + 1,
            **({"reindex_cursor": 0} if needs_reindex else {}),
        )
        if not needs_reindex:
            return []
        if (update.threshold or 0) < (label.threshold or 0):
            reindex_descendants(label_id)
        merged = Label.objects.filter(
            pk__in=list(Label.objects.filter(merged_into=label_id).values_list("pk", flat=True))
        )
        if target_id:  # labels merged into this one follow it, so that a merge is never more than one step
            merged.update(merged_into=target_id)
        merged.update(reindex_cursor=0)
        if is_moved:
            refresh_ancestors()
        return [label_id, *merged.order_by("pk").values_list("pk", flat=True)]


def validate(label_id: int, update: LabelUpdate) -> tuple[Label, int | None]:
    """Lock the label; returns it and the id of the label to merge it into.

    Raises ActionRefused.
    """
    labels = Label.objects.select_for_update().filter(pk__in=[label_id, update.merged_into_id or label_id])
    list(labels.order_by("pk"))  # locks in id order, since two users may merge the same labels in opposite directions
    label = Label.objects.get(pk=label_id)
    if label.revision != update.revision:
        raise ActionRefused(STALE_REVISION)
    return label, _merge_target(label, update.merged_into_id)


def merge(label_ids: list[int], *, into_id: int, by_id: int) -> list[int]:
    """Merge all of these labels or none; returns the labels to reindex.

    Raises ActionRefused.
    """
    with transaction.atomic():
        changed = list[int]()
        for label in Label.objects.filter(pk__in=label_ids).order_by("pk"):
            update = LabelUpdate(label.revision, label.category, label.is_hidden, label.threshold, into_id)
            changed += update_label(label.pk, update, by_id=by_id)
    return changed


def hide(label_ids: list[int], *, is_hidden: bool, by_id: int) -> int:
    """Hide labels from lists, or show them again; returns the number of labels."""
    with transaction.atomic():
        labels = list(Label.objects.select_for_update().filter(pk__in=label_ids).order_by("pk"))
        for label in labels:
            if label.is_hidden is not is_hidden:
                details = {"values": {"is_hidden": [label.is_hidden, is_hidden]}}
                audit_log.record(AuditEntry.Action.CHANGE, label, by_id=by_id, details=details)
        return Label.objects.filter(pk__in=label_ids).update(is_hidden=is_hidden, revision=F("revision") + 1)


def _record(label: Label, update: LabelUpdate, target_id: int | None, *, by_id: int) -> None:
    """Add the changed settings to the audit log, with old and new values."""
    settings: dict[str, list[Any]] = {
        "category": [label.category, update.category],
        "is_hidden": [label.is_hidden, update.is_hidden],
        "threshold": [label.threshold, update.threshold],
    }
    changed = {name: values for name, values in settings.items() if values[0] != values[1]}
    if changed:
        audit_log.record(AuditEntry.Action.CHANGE, label, by_id=by_id, details={"values": changed})
    if label.merged_into_id != target_id:
        target = Label.objects.get(pk=target_id) if target_id else None
        action = AuditEntry.Action.MERGE if target else AuditEntry.Action.CHANGE
        values = {"merged_into": [_name(label.merged_into), _name(target)]}
        audit_log.record(action, label, by_id=by_id, label=target, details={"values": values})


def _name(label: Label | None) -> str | None:
    return label.name if label else None


def _merge_target(label: Label, target_id: int | None) -> int | None:
    """The target, or the label that the target is merged into.

    Raises ActionRefused for circular merges and labels of different kinds.
    """
    if target_id is None:
        return None
    if target_id == label.pk:
        raise ActionRefused(_("“%(label)s” cannot be merged into itself.") % {"label": label})
    target = Label.objects.filter(pk=target_id).first()
    if target is None:
        raise ActionRefused(_("The label to merge into no longer exists."))
    if target.kind != label.kind:
        raise ActionRefused(
            _("Only labels of the same kind can be merged: “%(label)s” (%(kind)s), “%(target)s” (%(target_kind)s).")
            % {
                "label": label,
                "kind": label.get_kind_display(),
                "target": target,
                "target_kind": target.get_kind_display(),
            }
        )
    if target.merged_into_id == label.pk:
        raise ActionRefused(
            _("“%(target)s” is already merged into “%(label)s”; that would create a circular merge.")
            % {"target": target, "label": label}
        )
    return target.merged_into_id or target.pk
