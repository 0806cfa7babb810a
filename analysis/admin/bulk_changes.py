"""Admin pages of bulk changes, with their undo."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from analysis import formatting, pipeline
from analysis.admin import list_filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.admin.image_actions import MAX_IMMEDIATE
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange

MAX_UNDONE = 20


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
        ("action", list_filters.ChoicesDropdownFilter),
        ("person", list_filters.AutocompleteSelectFilter),
    )
    search_fields = ("person__username", "label__name")
    ordering = ("-pk",)

    # The view permission suffices, since undo checks each change.
    @admin.action(description=_("Undo your changes"), permissions=["view"])
    def undo(self, request: HttpRequest, queryset: QuerySet[BulkChange]) -> None:
        # bulk.undo checks that the change is the person's own and from the last day.
        person: Any = request.user
        for change_id in queryset.order_by("-pk").values_list("pk", flat=True)[:MAX_UNDONE]:
            try:
                change = pipeline.undo(change_id, by=person, at_once=MAX_IMMEDIATE)
            except ActionRefused as error:
                messages.error(request, gettext("Change %(id)s: %(error)s") % {"id": change_id, "error": error})
            else:
                messages.success(request, _undo_message(change))


def _undo_message(change: BulkChange) -> str:
    if change.is_open:
        return gettext("Undoing change %(id)s in the background.") % {"id": change.pk}
    sentence = ngettext(
        "Change %(id)s undone for %(number)s picture.", "Change %(id)s undone for %(number)s pictures.", change.number
    )
    return sentence % {"id": change.pk, "number": formatting.count(change.number)}
