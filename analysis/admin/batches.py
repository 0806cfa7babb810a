"""Admin pages of bulk runs and heartbeats."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from analysis import formatting, permissions, pipeline
from analysis.admin import display, list_filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.batches import lifecycle, progress
from analysis.batches.authorization import NotAllowed
from analysis.models import Analysis, Batch, Heartbeat, Image, WorkLease


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = (
        *("__str__", "state_badge", "selection", "scope", "api_names", "queued", "done", "failed", "reused"),
        *("dollars", "budget", "person", "started_at"),
    )
    list_filter = (
        ("state", list_filters.ChoicesDropdownFilter),
        ("scope", list_filters.ChoicesDropdownFilter),
        list_filters.RecognizerColumnFilter,
        ("person", list_filters.AutocompleteSelectFilter),
        ("is_sample", list_filters.BooleanRadioFilter),
        ("started_at", list_filters.DayFilter),
    )
    list_select_related = ("person",)
    # "contains" reads all runs, which are few; larger tables are searched by prefix.
    search_fields = ("query__icontains", "reason__icontains")
    search_help_text = _("Search, or the reason it stopped")
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("pause", "resume", "cancel")
    fieldsets = (
        (None, {"fields": ("state_badge", "reason", "progress", "links")}),
        (
            _("Options"),
            {
                "fields": (
                    *("query", "scope", "uses_id_list", "all_owners", "person", "recognizer", "api_parameters"),
                    ("limit", "budget", "rate"),
                    ("older_than", "error_code", "since"),
                    ("is_forced", "is_sample", "mail_to"),
                )
            },
        ),
        (
            _("Dates and queueing"),
            {"fields": (("started_at", "changed_at", "finished_at"), ("cursor", "is_fully_queued", "aggregated_at"))},
        ),
    )

    @display.badge(_("State"))
    def state_badge(self, batch: Batch) -> tuple[str, str]:
        return batch.state, batch.get_state_display()

    @admin.display(description=_("Search"))
    def selection(self, batch: Batch) -> str:
        return batch.query or (gettext("Selected pictures") if batch.uses_id_list else gettext("Whole library"))

    @admin.display(description=_("APIs"))
    def api_names(self, batch: Batch) -> str:
        return ", ".join(batch.apis)

    @admin.display(description=_("Parameters"))
    def api_parameters(self, batch: Batch) -> SafeString | str:
        return display.json_block(batch.parameters, summary=gettext("By API"))

    @admin.display(description=_("Progress"))
    def progress(self, batch: Batch) -> str:
        state = progress.progress(batch.pk)
        if state is None:
            return display.EMPTY
        return gettext(
            "%(ended)s of %(total)s analyses finished (%(failed)s failed, %(reused)s from cache), "
            "%(waiting)s waiting, %(running)s running, %(cost)s spent"
        ) % {
            "ended": formatting.count(state.ended),
            "total": "?" if state.total is None else formatting.count(state.total),
            "failed": formatting.count(state.failed),
            "reused": formatting.count(state.reused),
            "waiting": formatting.count(state.waiting),
            "running": formatting.count(state.running),
            "cost": formatting.dollars(state.dollars),
        }

    @admin.display(description=_("See also"))
    def links(self, batch: Batch) -> SafeString:
        analyses = display.rows_link(Analysis, gettext("Analyses"), batch__id__exact=batch.pk)
        pictures = display.rows_link(Image, gettext("Pictures of this search"), q=batch.query)
        return format_html("{} · {}", analyses, pictures)

    @admin.action(description=_("Pause bulk runs"), permissions=["run"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        numbers = _apply(request, queryset, lifecycle.pause)
        done = ngettext("%(number)s bulk run paused.", "%(number)s bulk runs paused.", numbers.changed)
        skipped = ngettext(
            "%(number)s bulk run was not running.", "%(number)s bulk runs were not running.", numbers.unchanged
        )
        _report(request, numbers, done, skipped)

    @admin.action(description=_("Resume bulk runs"), permissions=["run"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        numbers = _apply(request, queryset, pipeline.resume_batch)
        done = ngettext("%(number)s bulk run resumed.", "%(number)s bulk runs resumed.", numbers.changed)
        skipped = ngettext(
            "%(number)s bulk run is not paused or stopped.",
            "%(number)s bulk runs are not paused or stopped.",
            numbers.unchanged,
        )
        _report(request, numbers, done, skipped)

    @admin.action(description=_("Cancel bulk runs"), permissions=["run"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        numbers = _apply(request, queryset, lifecycle.cancel)
        done = ngettext("%(number)s bulk run canceled.", "%(number)s bulk runs canceled.", numbers.changed)
        skipped = ngettext(
            "%(number)s bulk run had already ended.", "%(number)s bulk runs had already ended.", numbers.unchanged
        )
        _report(request, numbers, done, skipped)

    def has_run_permission(self, request: HttpRequest) -> bool:
        return permissions.can_control_all_batches(request.user)


class Numbers(NamedTuple):
    changed: int
    unchanged: int


def _apply(request: HttpRequest, batches: QuerySet[Batch], action: Callable[[int], bool]) -> Numbers:
    """Run the action on each run; a refusal is shown and counts as neither."""
    outcomes = []
    # One by one, since each locks its run, and a refusal must not undo the others.
    for pk in batches.order_by("pk").values_list("pk", flat=True):
        try:
            outcomes.append(action(pk))
        except NotAllowed as error:
            messages.error(request, gettext("Bulk run %(id)s: %(error)s") % {"id": pk, "error": error})
    return Numbers(outcomes.count(True), outcomes.count(False))


def _report(request: HttpRequest, numbers: Numbers, done: str, skipped: str) -> None:
    if numbers.changed:
        messages.success(request, formatting.plural(done, numbers.changed))
    if numbers.unchanged:
        messages.warning(request, formatting.plural(skipped, numbers.unchanged))


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "host")


@admin.register(WorkLease)
class WorkLeaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "host", "started_at", "ended_at", "expires_at")
