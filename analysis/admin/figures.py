"""The dashboard's figures in the admin: derived, so read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from analysis.admin import filters, shown
from analysis.admin.base import ReadOnlyAdmin
from analysis.figures.latency import STEPS, milliseconds
from analysis.figures.series import STEPS_OF_CONFIDENCE
from analysis.models import AddedFigure, ConfidenceFigure, EndedFigure, FigureRun, LatencyFigure


class FigureAdmin(ReadOnlyAdmin):
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


@admin.register(FigureRun)
class FigureRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "took")
    took = shown.number("seconds", "Took", places=2, unit=" s")


@admin.register(AddedFigure)
class AddedFigureAdmin(FigureAdmin):
    list_display = ("start", "length", "whose", "pictures", "bytes")
    list_filter = (("is_hour", filters.BooleanRadioFilter),)


@admin.register(EndedFigure)
class EndedFigureAdmin(FigureAdmin):
    list_display = ("start", "length", "whose", "recognizer", "api", "answered", "reused", "failed", "dollars")
    list_filter = (
        ("is_hour", filters.BooleanRadioFilter),
        ("api", filters.ChoicesDropdownFilter),
        filters.RecognizerColumnFilter,
    )


@admin.register(LatencyFigure)
class LatencyFigureAdmin(FigureAdmin):
    list_display = ("start", "length", "recognizer", "api", "within", "answers")
    list_filter = EndedFigureAdmin.list_filter
    list_select_related = ()

    @admin.display(description="Took")
    def within(self, figure: LatencyFigure) -> str:
        if figure.step >= STEPS - 1:
            return f"{milliseconds(figure.step):,.0f} ms or more"
        return f"{milliseconds(figure.step):,.0f} to {milliseconds(figure.step + 1):,.0f} ms"


@admin.register(ConfidenceFigure)
class ConfidenceFigureAdmin(FigureAdmin):
    list_display = ("sureness", "whose", "labels")
    ordering = ("owner", "step")

    @admin.display(description="Confidence")
    def sureness(self, figure: ConfidenceFigure) -> str:
        width = 100 // STEPS_OF_CONFIDENCE
        return f"{figure.step * width}–{(figure.step + 1) * width} %"
