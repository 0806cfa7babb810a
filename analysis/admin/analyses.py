"""Analyses in the admin."""

from __future__ import annotations

import json

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analysis import pipeline
from analysis.admin.base import ReadOnlyAdmin
from analysis.models import Analysis


@admin.register(Analysis)
class AnalysisAdmin(ReadOnlyAdmin):
    list_display = ("image", "api", "state", "recognizer", "model_version", "attempts", "error_code", "requested_at")
    list_filter = ("state", "api", "recognizer", "is_permanent")
    list_select_related = ("image",)
    search_fields = ("image__filename", "request_id", "error_code")
    ordering = ("-pk",)
    show_full_result_count = False
    exclude = ("answer",)
    readonly_fields = ("answer_as_received",)
    actions = ("ask_again",)

    @admin.display(description="Answer, as received")
    def answer_as_received(self, analysis: Analysis) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(analysis.answer, indent=2, ensure_ascii=False))

    @admin.action(description="Ask the recognizer again")
    def ask_again(self, request: HttpRequest, queryset: QuerySet[Analysis]) -> None:
        asked = sum(
            pipeline.request(image_ids=[each.image_id], apis=[each.api], is_bulk=True, is_forced=True)
            for each in queryset.iterator()
        )
        messages.success(request, f"{asked:,} analyses queued; what was under way was left alone.")
