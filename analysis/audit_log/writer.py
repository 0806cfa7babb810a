"""Adds entries to the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model

from analysis.audit_log.source import current_source
from analysis.models import AuditedImages, AuditEntry, BulkChange, Label
from analysis.models.audit_entries import NAME_LENGTH
from imagelib.accounts.models import User

Details = Mapping[str, Any]


def record(
    action: str,
    target: Model | None = None,
    *,
    by_id: int | None,
    label: Label | None = None,
    details: Details | None = None,
    bulk_change_id: int | None = None,
) -> AuditEntry:
    """Add an entry about one object, in the transaction that changes it.

    `target` None: an action on many pictures, whose ids `record_images` adds. `by_id` None: imagelib itself.
    """
    source = current_source()
    token = {"token": source.token} if source.token else {}
    return AuditEntry.objects.create(
        actor_id=by_id,
        actor_name=_username(by_id),
        source=source.name,
        action=action,
        object_type=target._meta.model_name or "" if target else "",
        object_id=_number(target.pk) if target else None,
        # Copied, since the object may be renamed or deleted later.
        object_name=str(target)[:NAME_LENGTH] if target else "",
        label_id=label.pk if label else None,
        label_name=str(label)[:NAME_LENGTH] if label else "",
        bulk_change_id=bulk_change_id,
        details={**(details or {}), **token},
    )


def record_images(entry_id: int, image_ids: Sequence[int], *, receipts: list[dict[str, Any]] | None = None) -> None:
    """Add the pictures that one step of an entry's action changed."""
    if image_ids:
        AuditedImages.objects.create(
            entry_id=entry_id, image_ids=sorted(image_ids), number=len(image_ids), receipts=receipts
        )


def entry_of_bulk_change(change: BulkChange, *, is_undo: bool = False) -> AuditEntry:
    """Get or create the entry of a bulk change or of its undo.

    The caller holds the lock of the change's row, so that each has only one entry.
    """
    action = AuditEntry.Action.UNDO if is_undo else AuditEntry.Action(change.action)
    entries = AuditEntry.objects.filter(bulk_change_id=change.pk)
    own = entries.filter(action=action) if is_undo else entries.exclude(action=AuditEntry.Action.UNDO)
    return own.first() or record(
        action, by_id=change.person_id, label=change.label, details=_scope(change), bulk_change_id=change.pk
    )


def _scope(change: BulkChange) -> dict[str, Any]:
    """Details of a bulk change, in addition to its label."""
    scope = {
        "action": change.action,
        "query": change.query,
        "all_owners": change.all_owners,
        "visibility": change.visibility,
        "receiver": change.receiver.get_username() if change.receiver else None,
    }
    return {name: value for name, value in scope.items() if value not in ("", None, False)}


def _username(user_id: int | None) -> str:
    # Copied, since the account may be renamed or deleted later.
    return User.objects.filter(pk=user_id).values_list("username", flat=True).first() or "" if user_id else ""


def _number(key: Any) -> int | None:
    """The primary key, unless it is a UUID or several columns."""
    return key if isinstance(key, int) else None
