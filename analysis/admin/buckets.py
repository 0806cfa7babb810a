"""Buckets, what lies in them, and uploads on their way in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from analysis.admin.base import ReadOnlyAdmin
from analysis.models import Bucket, BucketObject, Ticket

FOUND = ("cursor", "report", "sync_started_at", "sync_ended_at", "sync_claimed_until", "trouble", "rests_until")


@admin.register(Bucket)
class BucketAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "prefix", "region", "owner", "openness", "may_delete", "sync_ended_at", "trouble")
    list_filter = ("openness", "may_delete")
    list_select_related = ("owner",)
    search_fields = ("name", "prefix")
    autocomplete_fields = ("owner",)
    ordering = ("name", "prefix")
    readonly_fields = FOUND

    def has_delete_permission(self, request: HttpRequest, obj: Bucket | None = None) -> bool:
        """Its pictures come first."""
        allowed: Any = super().has_delete_permission(request, obj)
        return bool(allowed and (obj is None or not obj.images.exists()))


@admin.register(BucketObject)
class BucketObjectAdmin(ReadOnlyAdmin):
    list_display = ("key", "bucket", "state", "size", "reason")
    list_filter = ("state", "bucket")
    list_select_related = ("bucket",)
    search_fields = ("key",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    list_display = ("filename", "owner", "state", "size", "issued_at", "expires_at", "reason")
    list_filter = ("state",)
    list_select_related = ("owner",)
    search_fields = ("filename",)
    ordering = ("-issued_at",)
    show_full_result_count = False
