"""Admin pages of the audit log and of deletions from the trash."""

from __future__ import annotations

from django.contrib import admin

from analysis.admin import list_filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.models import AuditEntry, OriginalDeletion, TrashDeletion


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_name", "source", "action", "object_type", "object_id", "object_name", "label_name")
    list_filter = (
        ("action", list_filters.ChoicesDropdownFilter),
        ("source", list_filters.ChoicesDropdownFilter),
        ("at", list_filters.DayFilter),
    )
    search_fields = ("actor_name__exact",)
    ordering = ("-pk",)
    indexed_moment = "at"
    sortable_by = ()


@admin.register(TrashDeletion)
class TrashDeletionAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "person", "owner_id", "state", "total", "deleted", "waiting", "finished_at")
    list_select_related = ("person",)
    list_filter = (("state", list_filters.ChoicesDropdownFilter),)
    ordering = ("-pk",)
    sortable_by = ()


@admin.register(OriginalDeletion)
class OriginalDeletionAdmin(ReadOnlyAdmin):
    list_display = ("key", "bucket", "filename", "attempts", "next_attempt_at", "error")
    list_select_related = ("bucket",)
    search_fields = ("key__startswith",)
    ordering = ("-pk",)
    sortable_by = ()
