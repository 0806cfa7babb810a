"""Bulk changes of the last day in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from analysis import pipeline
from analysis.admin import filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.admin.image_actions import MAX_IMMEDIATE
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange

MOST_UNDONE = 20


@admin.register(BulkChange)
class BulkChangeAdmin(ReadOnlyAdmin):
    list_display = (
        *("action", "label", "visibility", "receiver", "query", "number", "restored", "unchanged", "refused"),
        "person",
        *("done_at", "is_open", "undone_at"),
    )
    list_select_related = ("label", "person", "receiver")
    actions = ("undo",)
    list_filter = (
        ("action", filters.ChoicesDropdownFilter),
        ("person", filters.AutocompleteSelectFilter),
    )
    search_fields = ("person__username", "label__name")
    ordering = ("-pk",)

    @admin.action(description="Undo, if it is yours", permissions=["view"])
    def undo(self, request: HttpRequest, queryset: QuerySet[BulkChange]) -> None:
        """Their person alone may, within a day: `bulk.undo` says so. Large ones go on in the background."""
        person: Any = request.user
        for change_id in queryset.order_by("-pk").values_list("pk", flat=True)[:MOST_UNDONE]:
            try:
                undone = pipeline.undo(change_id, by=person, at_once=MAX_IMMEDIATE)
            except ActionRefused as refusal:
                messages.error(request, f"Change {change_id}: {refusal}")
            else:
                said = "is undone in the background." if undone.is_open else f"undone on {undone.number:,} pictures."
                messages.success(request, f"Change {change_id}: {said}")
