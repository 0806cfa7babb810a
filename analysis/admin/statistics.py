"""The dashboard's figures in the admin: derived, so read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from analysis.admin import display, filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.models import AddedStatistics, ConfidenceStatistics, EndedStatistics, LatencyStatistics, StatisticsRun
from analysis.statistics.latency_histogram import BIN_EDGES, milliseconds
from analysis.statistics.queries import CONFIDENCE_BINS


class StatisticsAdmin(ReadOnlyAdmin):
    """Rows of everybody have no owner; those of an hour are added up to their day in another row."""

    list_select_related: Any = ("owner",)
    ordering = ("-start", "-pk")
    sortable_by = ()

    @admin.display(description="Of")
    def whose(self, figure: Any) -> str:
        return str(figure.owner or "everybody")

    @admin.display(description="Over")
    def length(self, figure: Any) -> str:
        return "an hour" if figure.is_hour else "a day"


@admin.register(StatisticsRun)
class FigureRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "took")
    took = display.number("seconds", "Took", places=2, unit=" s")


@admin.register(AddedStatistics)
class AddedFigureAdmin(StatisticsAdmin):
    list_display = ("start", "length", "whose", "pictures", "bytes")
    list_filter = (("is_hour", filters.BooleanRadioFilter),)


@admin.register(EndedStatistics)
class EndedFigureAdmin(StatisticsAdmin):
    list_display = ("start", "length", "whose", "recognizer", "api", "answered", "reused", "failed", "dollars")
    list_filter = (
        ("is_hour", filters.BooleanRadioFilter),
        ("api", filters.ChoicesDropdownFilter),
        filters.RecognizerColumnFilter,
    )


@admin.register(LatencyStatistics)
class LatencyStatisticsAdmin(StatisticsAdmin):
    list_display = ("start", "length", "recognizer", "api", "within", "answers")
    list_filter = EndedFigureAdmin.list_filter
    list_select_related = ()

    @admin.display(description="Took")
    def within(self, figure: LatencyStatistics) -> str:
        if figure.step >= BIN_EDGES - 1:
            return f"{milliseconds(figure.step):,.0f} ms or more"
        return f"{milliseconds(figure.step):,.0f} to {milliseconds(figure.step + 1):,.0f} ms"


@admin.register(ConfidenceStatistics)
class ConfidenceStatisticsAdmin(StatisticsAdmin):
    list_display = ("sureness", "whose", "labels")
    ordering = ("owner", "step")

    @admin.display(description="Confidence")
    def sureness(self, figure: ConfidenceStatistics) -> str:
        width = 100 // CONFIDENCE_BINS
        return f"{figure.step * width}–{(figure.step + 1) * width} %"
