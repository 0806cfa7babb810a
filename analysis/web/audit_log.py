"""Audit log pages for staff: filtered list, entries with pictures, CSV files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from analysis import permissions
from analysis.audit_log import descriptions
from analysis.audit_log.entries import EntryFilter, entries, image_counts, image_steps, in_chunks, object_types
from analysis.exports.csv_table import BOM, csv_line
from analysis.models import AuditEntry
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.web.audit_rows import actor, audit_rows, receipt_rows
from analysis.web.http import Request, int_param, one_line
from analysis.web.links import with_parameters

PAGE_SIZE = 100
COLUMNS = (
    *("id", "time", "user_id", "user", "source", "action", "type", "object_id", "name", "label_id", "label"),
    *("pictures", "details"),
)
RECEIPT_COLUMNS = ("image_id", "filename", "sha256", "size", "owner", "added", "trashed", "original")
MAX_NUMBER = 10**18


class FilterForm(forms.Form):
    user = forms.CharField(label=gettext_lazy("User"), required=False, max_length=150)
    action = forms.ChoiceField(label=gettext_lazy("Action"), required=False)
    type = forms.ChoiceField(label=gettext_lazy("Type"), required=False)
    object_id = forms.IntegerField(label=gettext_lazy("ID"), required=False, min_value=1, max_value=MAX_NUMBER)
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=200)
    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actions: Any = self.fields["action"]
        actions.choices = [("", _("All")), *sorted(AuditEntry.Action.choices, key=lambda choice: str(choice[1]))]
        types: Any = self.fields["type"]
        names = sorted((descriptions.type_name(name), name) for name in object_types())
        types.choices = [("", _("All")), *((name, title) for title, name in names)]

    def entry_filter(self) -> EntryFilter:
        """Filter of the valid fields; the others show their error and filter nothing."""
        self.full_clean()
        values = self.cleaned_data
        until = values.get("until")
        return EntryFilter(
            user=one_line(values.get("user") or ""),
            action=values.get("action") or "",
            object_type=values.get("type") or "",
            object_id=values.get("object_id"),
            name=one_line(values.get("name") or ""),
            since=_start_of_day(values.get("since")),
            # The last day counts in full. `date.max` has no next day.
            until=_start_of_day(until + timedelta(days=1)) if until and until < date.max else None,
        )


@require_safe
def audit_log(request: Request) -> HttpResponse:
    """The entries, newest first."""
    permissions.require_or_404(permissions.can_view_audit_log(request.user))
    form = FilterForm(request.GET, label_suffix="")
    before = int_param(request.GET.get("before", ""), maximum=MAX_NUMBER, minimum=0)
    error, page = "", list[AuditEntry]()
    try:
        with time_limit():
            rows = entries(form.entry_filter())
            # One entry more than is shown tells if there is another page.
            page = list((rows.filter(pk__lt=before) if before else rows)[: PAGE_SIZE + 1])
    except SearchTooSlow:
        error = _("This takes too long. Narrow it down by user, action or dates.")
    chosen = {name: str(value) for name, value in request.GET.items() if name in form.fields and value}
    address = reverse("audit-log")
    context = {
        "form": form,
        "error": error,
        "rows": audit_rows(request, page[:PAGE_SIZE]),
        "is_filtered": bool(chosen),
        "is_first": not before,
        "first_url": with_parameters(address, **chosen),
        "more_url": with_parameters(address, **chosen, before=page[PAGE_SIZE - 1].pk) if len(page) > PAGE_SIZE else "",
        "csv_url": with_parameters(reverse("audit-log-csv"), **chosen),
    }
    return render(request, "audit_log/index.html", context)


@require_safe
def as_csv(request: Request) -> HttpResponseBase:
    """All entries of the filter as a CSV file."""
    permissions.require_or_404(permissions.can_view_audit_log(request.user))
    chosen = FilterForm(request.GET).entry_filter()
    return _csv_response(_entry_lines(chosen), name="imagelib-audit-log.csv")


@require_safe
def entry(request: Request, entry_id: int) -> HttpResponse:
    """One entry and its pictures, a page at a time; deleted ones with hashes."""
    entry = _entry(request, entry_id)
    after = int_param(request.GET.get("after", ""), maximum=MAX_NUMBER, minimum=0)
    # One step more than is shown tells if there is another page.
    steps = list(image_steps(entry.pk).filter(pk__gt=after)[:2])
    step = steps[0] if steps else None
    address = reverse("audit-entry", args=[entry.pk])
    context = {
        "row": audit_rows(request, [entry])[0],
        "image_ids": [str(pk) for pk in step.image_ids] if step and not step.receipts else [],
        "receipts": receipt_rows(step) if step else [],
        "is_first": not after,
        "first_url": address,
        "more_url": with_parameters(address, after=steps[0].pk) if len(steps) > 1 else "",
        "csv_url": reverse("audit-entry-csv", args=[entry.pk]),
    }
    return render(request, "audit_log/entry.html", context)


@require_safe
def entry_csv(request: Request, entry_id: int) -> HttpResponseBase:
    """All pictures of an entry as a CSV file; for deleted ones, the receipt."""
    entry = _entry(request, entry_id)
    return receipt_response(entry.pk, name=f"imagelib-audit-{entry.pk}.csv")


def receipt_response(entry_id: int, *, name: str) -> HttpResponseBase:
    """The pictures of an entry as a CSV file, streamed."""
    return _csv_response(_receipt_lines(entry_id), name=name)


def _entry(request: Request, entry_id: int) -> AuditEntry:
    permissions.require_or_404(permissions.can_view_audit_log(request.user))
    return get_object_or_404(AuditEntry, pk=entry_id)


def _csv_response(lines: Iterator[bytes], *, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _entry_lines(chosen: EntryFilter) -> Iterator[bytes]:
    yield BOM.encode() + csv_line(COLUMNS)
    for chunk in in_chunks(chosen):
        counts = image_counts([entry.pk for entry in chunk])
        for entry in chunk:
            number = counts[entry.pk].number if entry.pk in counts else None
            yield csv_line(_values(entry, number))


def _values(entry: AuditEntry, number: int | None) -> list[object]:
    return [
        entry.pk,
        entry.at.isoformat(),
        entry.actor_id,
        actor(entry),
        entry.source,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.object_name,
        entry.label_id,
        entry.label_name,
        number,
        json.dumps(entry.details, ensure_ascii=False) if entry.details else "",
    ]


def _receipt_lines(entry_id: int) -> Iterator[bytes]:
    yield BOM.encode() + csv_line(RECEIPT_COLUMNS)
    for step in image_steps(entry_id).iterator(chunk_size=10):
        # Only deletions keep receipts.
        receipts = step.receipts or [{"image_id": pk} for pk in step.image_ids]
        for receipt in receipts:
            yield csv_line(receipt.get(column) for column in RECEIPT_COLUMNS)


def _start_of_day(day: date | None) -> datetime | None:
    """Start of a day in the user's time zone."""
    return timezone.make_aware(datetime.combine(day, time())) if day else None
