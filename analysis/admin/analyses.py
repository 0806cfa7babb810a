"""Analyses in the admin."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import permissions, pipeline
from analysis.admin import display, filters
from analysis.admin.base import ReadOnlyAdmin, is_across
from analysis.admin.confirm import confirm_page
from analysis.admin.image_search import HELP, ImageSearchMixin
from analysis.models import Analysis, Call, ImageLabel

REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MOST = 10_000
STEP = 1_000


@admin.register(Analysis)
class AnalysisAdmin(ImageSearchMixin, ReadOnlyAdmin):
    list_display = (
        *("thumb", "of", "api", "state_shown", "recognizer", "model_version", "is_current"),
        *("error_code", "in_batch", "finished_at"),
    )
    list_display_links = ("api",)
    list_filter = (
        ("state", filters.ChoicesDropdownFilter),
        ("api", filters.ChoicesDropdownFilter),
        filters.RecognizerColumnFilter,
        filters.VersionFilter,
        filters.PermanentFilter,
        ("image__owner", filters.AutocompleteSelectFilter),
        ("finished_at", filters.DayFilter),
    )
    list_select_related = ("image", "batch")
    search_help_text = f"{HELP}; or AWS's request id"
    ordering = ("-pk",)
    indexed_moment = "finished_at"
    sortable_by = ()
    actions = ("ask_again", "retry")
    fieldsets = (
        (None, {"fields": ("preview", "of", "api", "state_shown", ("recognizer", "model_version"), "in_batch")}),
        ("What came of it", {"fields": ("answer_as_received", "labels", "sentence", "calls")}),
        (
            "How it went",
            {
                "fields": (
                    ("requested_at", "finished_at", "latency_ms"),
                    ("attempts", "next_attempt_at", "claimed_until"),
                    ("is_current", "is_pinned", "is_sample"),
                    ("is_bulk", "is_forced", "is_reused"),
                    ("request_id", "price"),
                    "asked_with",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Analysis]:
        rows: QuerySet[Analysis] = super().get_queryset(request)
        match = request.resolver_match
        is_page = match is not None and match.url_name == "analysis_analysis_change"
        return rows if is_page else rows.defer("answer", "parameters")  # answers are long, and no list shows them

    def get_readonly_fields(self, request: HttpRequest, obj: Analysis | None = None) -> list[str]:
        rows = [row for _, options in self.fieldsets for row in options["fields"]]
        return [name for row in rows for name in (row if isinstance(row, tuple) else (row,))]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if REQUEST_ID.fullmatch(search_term.strip()):
            called = Call.objects.filter(request_id=search_term.strip()).values("analysis")
            return queryset.filter(pk__in=called), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="Picture")
    def thumb(self, analysis: Analysis) -> SafeString | str:
        return display.picture(analysis.image, height=40)

    @admin.display(description="Picture")
    def preview(self, analysis: Analysis) -> SafeString | str:
        return display.picture(analysis.image, "preview", height=240)

    @admin.display(description="Of")
    def of(self, analysis: Analysis) -> SafeString | str:
        return display.link(analysis.image)

    @display.badge("State")
    def state_shown(self, analysis: Analysis) -> tuple[str, str]:
        return analysis.state, analysis.get_state_display()

    @admin.display(description="Batch")
    def in_batch(self, analysis: Analysis) -> SafeString | str:
        return display.link(analysis.batch)

    @admin.display(description="Error")
    def sentence(self, analysis: Analysis) -> SafeString | str:
        if not analysis.error_code:
            return display.EMPTY
        return format_html("{}: {}", analysis.error_code, analysis.error_message)

    @admin.display(description="Answer")
    def answer_as_received(self, analysis: Analysis) -> SafeString | str:
        return display.json_block(analysis.answer)

    @admin.display(description="Asked with")
    def asked_with(self, analysis: Analysis) -> SafeString | str:
        return display.json_block(analysis.parameters, summary="Parameters")

    @admin.display(description="Labels that rest on it")
    def labels(self, analysis: Analysis) -> SafeString | str:
        rows = ImageLabel.objects.filter(image_id=analysis.image_id, analysis=analysis).select_related("label")
        found = [
            format_html("{} {} %", display.link(row.label), f"{row.percent:.1f}")
            for row in rows.order_by("-confidence")
        ]
        return display.comma_list(found) if found else display.EMPTY

    @admin.display(description="Calls")
    def calls(self, analysis: Analysis) -> SafeString | str:
        found = [display.link(call) for call in analysis.calls.order_by("-pk")[:20]]
        return display.comma_list(found) if found else display.EMPTY

    @admin.action(description="Ask the recognizer again", permissions=["ask"])
    def ask_again(self, request: HttpRequest, queryset: QuerySet[Analysis]) -> HttpResponseBase | None:
        """Once for each form: what was asked for since the form was made is left alone."""
        since = parse_datetime(request.POST.get("estimated", ""))
        if since is None or since.tzinfo is None:
            return _confirm(self, request, queryset)
        newer = Analysis.objects.filter(image=OuterRef("image"), api=OuterRef("api"), requested_at__gt=since)
        _ask(request, queryset.exclude(Exists(newer)), is_forced=True)
        return None

    @admin.action(description="Retry those that failed", permissions=["ask"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Analysis]) -> None:
        _ask(request, queryset.filter(state=Analysis.State.FAILED), is_forced=False)

    def has_ask_permission(self, request: HttpRequest) -> bool:
        """Asking costs money: whoever may start a batch about everybody's pictures may ask."""
        return permissions.can_analyze_all_images(request.user)


def _confirm(model_admin: Any, request: HttpRequest, chosen: QuerySet[Analysis]) -> HttpResponseBase:
    number = min(chosen.order_by()[: MOST + 1].count(), MOST)
    return confirm_page(
        model_admin,
        request,
        title=_("Ask the recognizer again"),
        meant=ngettext("%(number)s analysis", "%(number)s analyses", number) % {"number": f"{number:,}"},
        form=forms.Form(),
        is_whole=is_across(request),
        warning=_("You are charged again for each of them; earlier results stay in the history."),
        digest=now().isoformat(),
    )


def _ask(request: HttpRequest, chosen: QuerySet[Analysis], *, is_forced: bool) -> None:
    """Queue them a step at a time; of very many, the first: for more there are batches."""
    pairs = list(chosen.order_by("-pk").values_list("image_id", "api")[: MOST + 1])
    asked = 0
    for api in sorted({api for _image_id, api in pairs}):
        ids = [image_id for image_id, each in pairs[:MOST] if each == api]
        for start in range(0, len(ids), STEP):
            step = list(dict.fromkeys(ids[start : start + STEP]))
            asked += pipeline.request_analysis(image_ids=step, apis=[api], is_bulk=True, is_forced=is_forced)
    said = f"{asked:,} analyses queued; what was under way was left alone."
    if len(pairs) > MOST:
        said += f" These are the first {MOST:,}; for more, have their pictures analyzed again as a batch."
    messages.success(request, said)
