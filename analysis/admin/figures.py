"""The dashboard's figures in the admin: derived, so read only."""

from __future__ import annotations

from django.contrib import admin

from analysis.admin.base import ReadOnlyAdmin
from analysis.models import AddedFigure, ConfidenceFigure, EndedFigure, FigureRun, LatencyFigure


@admin.register(FigureRun)
class FigureRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "seconds")


@admin.register(AddedFigure)
class AddedFigureAdmin(ReadOnlyAdmin):
    list_display = ("start", "is_hour", "owner", "pictures", "bytes")
    list_filter = ("is_hour",)
    list_select_related = ("owner",)
    ordering = ("-pk",)


@admin.register(EndedFigure)
class EndedFigureAdmin(ReadOnlyAdmin):
    list_display = ("start", "is_hour", "owner", "recognizer", "api", "answered", "reused", "failed", "dollars")
    list_filter = ("is_hour", "api", "recognizer")
    list_select_related = ("owner",)
    ordering = ("-pk",)


@admin.register(LatencyFigure)
class LatencyFigureAdmin(ReadOnlyAdmin):
    list_display = ("start", "is_hour", "recognizer", "api", "step", "answers")
    list_filter = ("is_hour", "api", "recognizer")
    ordering = ("-pk",)


@admin.register(ConfidenceFigure)
class ConfidenceFigureAdmin(ReadOnlyAdmin):
    list_display = ("owner", "step", "labels")
    list_select_related = ("owner",)
    ordering = ("owner", "step")
