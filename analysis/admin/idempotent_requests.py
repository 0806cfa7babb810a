"""Admin page of API requests with an Idempotency-Key."""

from __future__ import annotations

from django.contrib import admin

from analysis.admin.base import ReadOnlyAdmin
from analysis.models import IdempotentRequest


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(ReadOnlyAdmin):
    list_display = ("key", "token", "status", "location", "created_at")
    list_select_related = ("token",)
    exclude = ("body",)
    ordering = ("-pk",)
    sortable_by = ()
