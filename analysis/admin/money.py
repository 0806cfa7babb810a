"""The ledger, outages and model versions in the admin: all of it written by machines."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from analysis.admin.base import ReadOnlyAdmin
from analysis.models import Call, ModelVersion, Outage, Spend, SpendEntry


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = ("sent_at", "api", "outcome", "error_code", "price", "latency_ms", "region", "request_id")
    list_filter = ("outcome", "api", "recognizer", "sent_at")
    search_fields = ("request_id", "error_code")
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Spend)
class SpendAdmin(ReadOnlyAdmin):
    list_display = ("day", "api", "region", "is_bulk", "calls", "answered", "dollars", "reused", "saved")
    list_filter = ("api", "region", "is_bulk", "day")
    date_hierarchy = "day"
    ordering = ("-day", "api")


@admin.register(SpendEntry)
class SpendEntryAdmin(ReadOnlyAdmin):
    list_display = ("day", "api", "region", "is_bulk", "calls", "answered", "dollars", "reused", "saved")
    ordering = ("-pk",)


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin):
    list_display = ("api", "recognizer", "code", "message", "since", "probe_at", "probes")
    actions = ("probe_now",)

    @admin.action(description="Ask now whether it is over")
    def probe_now(self, request: HttpRequest, queryset: QuerySet[Outage]) -> None:
        queryset.update(probe_at=Now())
        messages.success(request, "The next picture in line is sent as a probe within seconds.")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("recognizer", "api", "version", "first_seen_at", "last_seen_at")
    list_filter = ("recognizer", "api")
    ordering = ("-last_seen_at",)
