"""Admin pages of analyses, with the actions that request them again."""

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
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from analysis import formatting, permissions, pipeline
from analysis.admin import display, list_filters
from analysis.admin.base import ReadOnlyAdmin, is_across
from analysis.admin.confirm import confirm_page
from analysis.admin.image_search import ImageSearchMixin
from analysis.models import Analysis, Call, ImageLabel

REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MAX_REQUESTED = 10_000
STEP = 1_000
MAX_CALLS = 20


@admin.register(Analysis)
class AnalysisAdmin(ImageSearchMixin, ReadOnlyAdmin):
    list_display = (
        *("thumb", "image_link", "api", "state_badge", "recognizer", "model_version", "is_current"),
        *("error_code", "batch_link", "finished_at"),
    )
    list_display_links = ("api",)
    list_filter = (
        ("state", list_filters.ChoicesDropdownFilter),
        ("api", list_filters.ChoicesDropdownFilter),
        list_filters.RecognizerColumnFilter,
        list_filters.VersionFilter,
        list_filters.PermanentFilter,
        ("image__owner", list_filters.AutocompleteSelectFilter),
        ("finished_at", list_filters.DayFilter),
    )
    list_select_related = ("image", "batch")
    search_help_text = _("Search by picture (dog, owner:anna, is:failed …) or AWS request ID")
    ordering = ("-pk",)
    indexed_moment = "finished_at"
    # By no column: each would need an index of its own, or sort ten million rows.
    sortable_by = ()
    # Without Django's delete_selected, since analyses are the record of paid requests.
    actions = ("rerun", "retry")
    fieldsets = (
        (
            None,
            {"fields": ("preview", "image_link", "api", "state_badge", ("recognizer", "model_version"), "batch_link")},
        ),
        (_("Result"), {"fields": ("response", "labels", "error", "calls")}),
        (
            _("Processing"),
            {
                "fields": (
                    ("requested_at", "finished_at", "latency_ms"),
                    ("attempts", "next_attempt_at", "claimed_until"),
                    ("is_current", "is_pinned", "is_sample"),
                    ("is_bulk", "is_forced", "is_reused"),
                    ("request_id", "price"),
                    "request_parameters",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Analysis]:
        rows: QuerySet[Analysis] = super().get_queryset(request)
        match = request.resolver_match
        is_page = match is not None and match.url_name == "analysis_analysis_change"
        return rows if is_page else rows.defer("answer", "parameters")  # long JSON that lists do not show

    def get_readonly_fields(self, request: HttpRequest, obj: Analysis | None = None) -> list[str]:
        rows = [row for _, options in self.fieldsets for row in options["fields"]]
        return [name for row in rows for name in (row if isinstance(row, tuple) else (row,))]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        # A request ID, which AWS support needs. Anything else is a search in the library's syntax.
        if REQUEST_ID.fullmatch(search_term.strip()):
            analysis_ids = Call.objects.filter(request_id=search_term.strip()).values("analysis")
            return queryset.filter(pk__in=analysis_ids), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=_("Picture"))
    def thumb(self, analysis: Analysis) -> SafeString | str:
        return display.picture(analysis.image, height=40)

    @admin.display(description=_("Picture"))
    def preview(self, analysis: Analysis) -> SafeString | str:
        return display.picture(analysis.image, "preview", height=240)

    @admin.display(description=_("File name"))
    def image_link(self, analysis: Analysis) -> SafeString | str:
        return display.link(analysis.image)

    @display.badge(_("State"))
    def state_badge(self, analysis: Analysis) -> tuple[str, str]:
        return analysis.state, analysis.get_state_display()

    @admin.display(description=_("Bulk run"))
    def batch_link(self, analysis: Analysis) -> SafeString | str:
        return display.link(analysis.batch)

    @admin.display(description=_("Error"))
    def error(self, analysis: Analysis) -> SafeString | str:
        if not analysis.error_code:
            return display.EMPTY
        return format_html("{}: {}", analysis.error_code, analysis.error_message)

    @admin.display(description=_("Response"))
    def response(self, analysis: Analysis) -> SafeString | str:
        return display.json_block(analysis.answer)

    @admin.display(description=_("Parameters"))
    def request_parameters(self, analysis: Analysis) -> SafeString | str:
        return display.json_block(analysis.parameters, summary=gettext("Parameters"))

    @admin.display(description=_("Labels from this analysis"))
    def labels(self, analysis: Analysis) -> SafeString | str:
        rows = ImageLabel.objects.filter(image_id=analysis.image_id, analysis=analysis).select_related("label")
        return display.value_list(display.label_text(row.label, row.percent) for row in rows.order_by("-confidence"))

    @admin.display(description=_("Calls"))
    def calls(self, analysis: Analysis) -> SafeString | str:
        return display.value_list(display.link(call) for call in analysis.calls.order_by("-pk")[:MAX_CALLS])

    @admin.action(description=_("Re-run analyses…"), permissions=["analyze"])
    def rerun(self, request: HttpRequest, queryset: QuerySet[Analysis]) -> HttpResponseBase | None:
        # A form that is sent twice must not cost twice, so analyses requested after it was rendered are left out.
        since = parse_datetime(request.POST.get("estimated", ""))
        if since is None or since.tzinfo is None:
            return _confirm(self, request, queryset)
        newer = Analysis.objects.filter(image=OuterRef("image"), api=OuterRef("api"), requested_at__gt=since)
        _enqueue(request, queryset.exclude(Exists(newer)), is_forced=True)
        return None

    @admin.action(description=_("Retry failed analyses"), permissions=["analyze"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Analysis]) -> None:
        _enqueue(request, queryset.filter(state=Analysis.State.FAILED), is_forced=False)

    def has_analyze_permission(self, request: HttpRequest) -> bool:
        """The permission for bulk runs over all owners, since analyses cost money."""
        return permissions.can_analyze_all_images(request.user)


def _confirm(model_admin: Any, request: HttpRequest, analyses: QuerySet[Analysis]) -> HttpResponseBase:
    # order_by() drops the list's order, which the count does not need; the slice bounds it.
    number = min(analyses.order_by()[: MAX_REQUESTED + 1].count(), MAX_REQUESTED)
    return confirm_page(
        model_admin,
        request,
        title=gettext("Re-run analyses"),
        subject=formatting.plural(ngettext("%(number)s analysis", "%(number)s analyses", number), number),
        form=forms.Form(),
        is_across=is_across(request),
        warning=gettext("You will be charged again for each of them; earlier results stay in the history."),
        digest=now().isoformat(),
    )


def _enqueue(request: HttpRequest, analyses: QuerySet[Analysis], *, is_forced: bool) -> None:
    """Queue at most MAX_REQUESTED of them, in steps."""
    pairs = list(analyses.order_by("-pk").values_list("image_id", "api")[: MAX_REQUESTED + 1])
    number = 0
    for api in sorted({api for _image_id, api in pairs}):
        ids = [image_id for image_id, pair_api in pairs[:MAX_REQUESTED] if pair_api == api]
        for start in range(0, len(ids), STEP):
            step = list(dict.fromkeys(ids[start : start + STEP]))
            number += pipeline.request_analysis(image_ids=step, apis=[api], is_bulk=True, is_forced=is_forced)
    sentence = ngettext(
        "%(number)s analysis queued. Analyses already in progress were skipped.",
        "%(number)s analyses queued. Analyses already in progress were skipped.",
        number,
    )
    messages.success(request, formatting.plural(sentence, number))
    if len(pairs) > MAX_REQUESTED:
        limit = gettext("Only the first %(number)s were queued. To analyze more, start a bulk run.")
        messages.warning(request, limit % {"number": formatting.count(MAX_REQUESTED)})
