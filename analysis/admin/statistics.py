"""Admin pages of the dashboard's precomputed statistics, read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analysis import formatting
from analysis.admin import display, list_filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.models import AddedStatistics, ConfidenceStatistics, EndedStatistics, LatencyStatistics, StatisticsRun
from analysis.statistics.latency_histogram import BIN_EDGES, milliseconds
from analysis.statistics.queries import CONFIDENCE_BINS


class StatisticsAdmin(ReadOnlyAdmin):
    """Rows without an owner are totals. Days have rows in addition to their hours."""

    list_select_related: Any = ("owner",)
    ordering = ("-start", "-pk")
    sortable_by = ()

    @admin.display(description=_("Owner"))
    def owner_name(self, row: Any) -> str:
        return str(row.owner or gettext("All owners"))

    @admin.display(description=_("Period"))
    def period(self, row: Any) -> str:
        return gettext("Hour") if row.is_hour else gettext("Day")


@admin.register(StatisticsRun)
class StatisticsRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "run_time")
    run_time = display.number("seconds", _("Duration"), places=2, unit=" s")


@admin.register(AddedStatistics)
class AddedStatisticsAdmin(StatisticsAdmin):
    list_display = ("start", "period", "owner_name", "pictures", "bytes")
    list_filter = (("is_hour", list_filters.BooleanRadioFilter),)


@admin.register(EndedStatistics)
class EndedStatisticsAdmin(StatisticsAdmin):
    list_display = ("start", "period", "owner_name", "recognizer", "api", "answered", "reused", "failed", "dollars")
    list_filter = (
        ("is_hour", list_filters.BooleanRadioFilter),
        ("api", list_filters.ChoicesDropdownFilter),
        list_filters.RecognizerColumnFilter,
    )


@admin.register(LatencyStatistics)
class LatencyStatisticsAdmin(StatisticsAdmin):
    list_display = ("start", "period", "recognizer", "api", "latency", "answers")
    list_filter = EndedStatisticsAdmin.list_filter
    list_select_related = ()

    @admin.display(description=_("Response time"))
    def latency(self, row: LatencyStatistics) -> str:
        low = formatting.count(round(milliseconds(row.step)))
        if row.step >= BIN_EDGES - 1:
            return gettext("%(low)s ms or more") % {"low": low}
        high = formatting.count(round(milliseconds(row.step + 1)))
        return gettext("%(low)s–%(high)s ms") % {"low": low, "high": high}


@admin.register(ConfidenceStatistics)
class ConfidenceStatisticsAdmin(StatisticsAdmin):
    list_display = ("confidence", "owner_name", "labels")
    ordering = ("owner", "step")

    @admin.display(description=_("Confidence"))
    def confidence(self, row: ConfidenceStatistics) -> str:
        width = 100 // CONFIDENCE_BINS
        return f"{row.step * width}–{(row.step + 1) * width} %"
