"""Records changes made in the administration in the audit log."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from analysis import audit_log
from analysis.audit_log.form_values import changed_values
from analysis.models import AuditEntry

ADDED, CHANGED, DELETED = "added", "changed", "deleted"
ACTIONS = {
    ADDED: AuditEntry.Action.ADD,
    CHANGED: AuditEntry.Action.CHANGE,
    DELETED: AuditEntry.Action.REMOVE,
}


class AuditedAdmin(ModelAdmin):
    """Records the changes of Django's admin log, with old and new values."""

    recorded_elsewhere: frozenset[str] = frozenset()
    """Kinds of changes (ADDED, CHANGED, DELETED) that the functions called by this admin record themselves."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        message: list[dict[str, Any]] = super().construct_change_message(request, form, formsets, add)
        if not add and form.changed_data and message:
            message[0].get(CHANGED, {})["values"] = changed_values(form)
        return message

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, ADDED, obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, CHANGED, obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._record(request, DELETED, obj, [])
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, kind: str, obj: Model, message: Any) -> None:
        steps = message if isinstance(message, list) else []
        # Only the rows of an inline have a name.
        inline = [step for step in steps if "name" in _content(step)]
        if kind in self.recorded_elsewhere and not inline:
            return
        own = next((_content(step) for step in steps if "name" not in _content(step)), {})
        is_own = kind not in self.recorded_elsewhere
        details = {"values": own.get("values"), "fields": own.get("fields")} if is_own else {}
        details |= {"related": [f"{next(iter(step))}: {_content(step)['object']}" for step in inline]}
        audit_log.record(
            ACTIONS[kind],
            obj,
            by_id=request.user.pk,
            details={name: value for name, value in details.items() if value},
        )


def _content(step: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return next(iter(step.values()), {})
