"""Bulk changes of the last day in the admin."""

from __future__ import annotations

from django.contrib import admin

from analysis.admin import filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.models import Change


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = ("action", "label", "openness", "number", "unchanged", "refused", "person", "done_at", "undone_at")
    list_select_related = ("label", "person")
    list_filter = (
        ("action", filters.ChoicesDropdownFilter),
        ("person", filters.AutocompleteSelectFilter),
    )
    search_fields = ("person__username", "label__name")
    ordering = ("-pk",)
