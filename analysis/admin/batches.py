"""Bulk runs and signs of life in the admin."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analysis import formatting, permissions, pipeline
from analysis.admin import display, filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.batches import lifecycle, progress
from analysis.batches.authorization import NotAllowed
from analysis.models import Analysis, Batch, Heartbeat, Image


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = (
        *("__str__", "state_shown", "query_shown", "scope", "apis_shown", "asked", "done", "failed", "reused"),
        *("dollars", "budget", "person", "started_at"),
    )
    list_filter = (
        ("state", filters.ChoicesDropdownFilter),
        ("scope", filters.ChoicesDropdownFilter),
        filters.RecognizerColumnFilter,
        ("person", filters.AutocompleteSelectFilter),
        ("is_sample", filters.BooleanRadioFilter),
        ("started_at", filters.DayFilter),
    )
    list_select_related = ("person",)
    search_fields = ("query__icontains", "reason__icontains")
    search_help_text = "A part of its search or of why it stopped"
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("pause", "resume", "cancel")
    fieldsets = (
        (None, {"fields": ("state_shown", "reason", "progress", "links")}),
        (
            "What was asked",
            {
                "fields": (
                    *("query", "scope", "uses_id_list", "all_owners", "person", "recognizer", "parameters_shown"),
                    ("limit", "budget", "rate"),
                    ("older_than", "error_code", "since"),
                    ("is_forced", "is_sample", "mail_to"),
                )
            },
        ),
        (
            "When",
            {"fields": (("started_at", "changed_at", "finished_at"), ("place", "is_fully_queued", "aggregated_at"))},
        ),
    )

    @display.badge("State")
    def state_shown(self, batch: Batch) -> tuple[str, str]:
        return batch.state, batch.get_state_display()

    @admin.display(description="Search")
    def query_shown(self, batch: Batch) -> str:
        return batch.query or ("named pictures" if batch.uses_id_list else "the whole library")

    @admin.display(description="APIs")
    def apis_shown(self, batch: Batch) -> str:
        return ", ".join(batch.apis)

    @admin.display(description="Parameters")
    def parameters_shown(self, batch: Batch) -> SafeString | str:
        return display.json_block(batch.parameters, summary="By API")

    @admin.display(description="Progress")
    def progress(self, batch: Batch) -> str:
        found = progress.progress(batch.pk)
        if found is None:
            return display.EMPTY
        total = "?" if found.total is None else f"{found.total:,}"
        return (
            f"{found.ended:,} of {total} analyses ended, {found.failed:,} failed, {found.reused:,} from the store; "
            f"{found.waiting:,} wait, {found.running:,} run; {formatting.dollars(found.dollars)}"
        )

    @admin.display(description="See also")
    def links(self, batch: Batch) -> SafeString:
        analyses = display.rows_link(Analysis, "Its analyses", batch__id__exact=batch.pk)
        pictures = display.rows_link(Image, "The pictures of its search", q=batch.query)
        return format_html("{} · {}", analyses, pictures)

    @admin.action(description="Pause", permissions=["run"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        _each(request, queryset, lifecycle.pause, done="paused", otherwise="was not running")

    @admin.action(description="Resume", permissions=["run"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        _each(request, queryset, pipeline.resume_batch, done="resumed", otherwise="is not at rest")

    @admin.action(description="Cancel", permissions=["run"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        _each(request, queryset, lifecycle.cancel, done="cancelled", otherwise="was over already")

    def has_run_permission(self, request: HttpRequest) -> bool:
        return permissions.can_control_all_batches(request.user)


def _each(
    request: HttpRequest, batches: QuerySet[Batch], act: Callable[[int], bool], *, done: str, otherwise: str
) -> None:
    """What was to be done to each, and how many it could not be done to."""
    outcomes = []
    for pk in batches.order_by("pk").values_list("pk", flat=True):
        try:
            outcomes.append(act(pk))
        except NotAllowed as refusal:
            messages.error(request, f"Batch {pk}: {refusal}")
    if not outcomes:
        return
    number, others = outcomes.count(True), outcomes.count(False)
    said = [f"{number:,} {'batch' if number == 1 else 'batches'} {done}."] if number else []
    said += [f"{others:,} left alone: it {otherwise}."] if others else []
    messages.add_message(request, messages.SUCCESS if number else messages.WARNING, " ".join(said))


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "host")
