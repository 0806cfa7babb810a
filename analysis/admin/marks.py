"""What people keep for themselves, in the admin."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin

from analysis.models import Mark, SavedSearch


@admin.register(Mark)
class MarkAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("image", "person", "is_favorite", "rating")
    list_select_related = ("image", "person")
    list_filter = ("is_favorite", "rating")
    search_fields = ("image__filename", "person__username")
    raw_id_fields = ("image",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(SavedSearch)
class SavedSearchAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "owner", "query", "is_shared", "saved_at")
    list_select_related = ("owner",)
    list_filter = ("is_shared",)
    search_fields = ("name", "query", "owner__username")
    ordering = ("name", "pk")
    show_full_result_count = False
