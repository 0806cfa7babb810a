"""Admin pages of calls, spend, outages and model versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analysis import permissions
from analysis.admin import display, list_filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.models import Call, ModelVersion, Outage, Spend, SpendEntry


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = (
        *("sent_at", "api", "outcome_badge", "error_code", "price", "latency_ms", "region"),
        *("analysis_link", "request_id"),
    )
    list_filter = (
        ("outcome", list_filters.ChoicesDropdownFilter),
        ("api", list_filters.ChoicesDropdownFilter),
        list_filters.RecognizerColumnFilter,
        ("sent_at", list_filters.DayFilter),
    )
    list_select_related = ("analysis",)
    search_fields = ("request_id__exact",)
    search_help_text = _("Full AWS request ID")
    ordering = ("-pk",)
    indexed_moment = "sent_at"
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        rows: Any = super().get_queryset(request)
        return rows.defer("analysis__answer", "analysis__parameters")  # type: ignore[no-any-return]

    @display.badge(_("Outcome"))
    def outcome_badge(self, call: Call) -> tuple[str, str]:
        return call.outcome, call.get_outcome_display()

    @admin.display(description=_("Analysis"))
    def analysis_link(self, call: Call) -> SafeString | str:
        return display.link(call.analysis)


@admin.register(Spend)
class SpendAdmin(ReadOnlyAdmin):
    list_display = ("day", "api", "recognizer", "region", "is_bulk", "calls", "answered", "dollars", "reused", "saved")
    list_filter = (
        ("api", list_filters.ChoicesDropdownFilter),
        list_filters.RecognizerColumnFilter,
        ("is_bulk", list_filters.BooleanRadioFilter),
        ("day", list_filters.DayFilter),
    )
    date_hierarchy = "day"
    ordering = ("-day", "api")


@admin.register(SpendEntry)
class SpendEntryAdmin(ReadOnlyAdmin):
    list_display = ("day", "api", "recognizer", "region", "is_bulk", "calls", "answered", "dollars", "reused", "saved")
    ordering = ("-pk",)


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin):
    list_display = ("api", "recognizer", "code", "message", "since", "probe_at", "probes")
    actions = ("probe_now",)

    @admin.action(description=_("Probe now"), permissions=["probe"])
    def probe_now(self, request: HttpRequest, queryset: QuerySet[Outage]) -> None:
        queryset.order_by().update(probe_at=Now())
        messages.success(request, gettext("The next queued analysis is sent as a probe within seconds."))

    def has_probe_permission(self, request: HttpRequest) -> bool:
        return permissions.can_probe_apis(request.user)


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("recognizer", "api", "version", "first_seen_at", "last_seen_at")
    list_filter = (
        list_filters.RecognizerColumnFilter,
        ("api", list_filters.ChoicesDropdownFilter),
    )
    ordering = ("-last_seen_at",)
