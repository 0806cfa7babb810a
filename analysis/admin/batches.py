"""Bulk runs and signs of life in the admin."""

from __future__ import annotations

from django.contrib import admin

from analysis.admin.base import ReadOnlyAdmin
from analysis.models import Batch, Heartbeat


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "state", "scope", "query", "asked", "done", "failed", "reused", "dollars", "started_at")
    list_filter = ("state", "scope", "is_sample")
    list_select_related = ("person",)
    search_fields = ("query",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "host")
