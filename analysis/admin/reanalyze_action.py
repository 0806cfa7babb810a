"""Having many pictures analyzed again: what to ask, what it would come to, and only then the start."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.translation import gettext as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from analysis import formatting, pipeline
from analysis.admin import display
from analysis.admin.image_actions import Rows, SelectedImages, page, selected_images
from analysis.admin.image_query import InvalidFilter
from analysis.batches import lifecycle
from analysis.batches.authorization import NotAllowed
from analysis.batches.estimate import Estimate, estimate
from analysis.batches.options import InvalidBatchOptions, build_batch
from analysis.batches.start_tokens import NoToken, new_token
from analysis.models import Analysis, Batch
from analysis.recognition import registry

LOOKED_AT = 2_000
TITLE = "Analyze again"


class AnalyzeForm(forms.Form):
    apis = forms.MultipleChoiceField(label="APIs", widget=UnfoldAdminCheckboxSelectMultipleWidget)
    scope = forms.ChoiceField(label="Which of them", widget=UnfoldAdminSelectWidget)
    is_forced = forms.BooleanField(
        label="Ask although an answer is stored", required=False, widget=UnfoldBooleanSwitchWidget
    )
    min_confidence = forms.FloatField(
        label="Least confidence",
        required=False,
        help_text="Percent; empty: MIN_CONFIDENCE.",
        widget=UnfoldAdminDecimalFieldWidget,
    )
    max_labels = forms.IntegerField(
        label="Most labels", required=False, help_text="Empty: MAX_LABELS.", widget=UnfoldAdminIntegerFieldWidget
    )
    limit = forms.IntegerField(label="Most pictures", required=False, widget=UnfoldAdminIntegerFieldWidget)
    budget = forms.DecimalField(
        label="Budget", required=False, help_text="US dollars, at most.", widget=UnfoldAdminDecimalFieldWidget
    )
    rate = forms.FloatField(
        label="Pace", required=False, help_text="Calls a second of each API.", widget=UnfoldAdminDecimalFieldWidget
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        able = registry.current().apis
        choices: Any = self.fields["apis"]
        choices.choices = [(value, label) for value, label in Analysis.Api.choices if value in able]
        choices.initial = registry.enabled_apis()
        scopes: Any = self.fields["scope"]
        scopes.choices = Batch.Scope.choices

    def batch(self, meant: SelectedImages) -> Batch:
        """Raises BadBatch."""
        said = self.cleaned_data
        query = meant.selection.query
        return build_batch(
            query=query.text if query is not None else "",
            scope=said["scope"],
            apis=said["apis"],
            min_confidence=said["min_confidence"],
            max_labels=said["max_labels"],
            older_than="latest" if said["scope"] == Batch.Scope.OUTDATED else "",
            limit=said["limit"],
            budget=said["budget"],
            rate=said["rate"],
            is_forced=said["is_forced"],
            uses_id_list=query is None,
            all_owners=True,
            person_id=meant.selection.person.pk,
        )

    def digest(self) -> str:
        """Of what was estimated: nothing else is started."""
        return sha256(repr(sorted(self.cleaned_data.items())).encode()).hexdigest()


def analyze_again(model_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponseBase | None:
    """Form, estimate, start."""
    try:
        meant = selected_images(request, rows)
    except InvalidFilter as complaint:
        messages.error(request, str(complaint))
        return None
    form = AnalyzeForm(request.POST if "confirmed" in request.POST else None)
    found = None
    if form.is_valid():
        try:
            batch = form.batch(meant)
            if "start" in request.POST and request.POST.get("estimated") == form.digest():
                _start(request, batch, meant)
                return None
            found = _estimated(batch, meant)
        except (InvalidBatchOptions, NotAllowed, NoToken) as complaint:
            form.add_error(None, str(complaint))
    more = {"rows": _lines(found), "sums": _sums(found), "digest": form.digest(), "token": new_token()} if found else {}
    return page(model_admin, request, title=TITLE, meant=meant, form=form, is_estimating=True, **more)


def _start(request: HttpRequest, batch: Batch, meant: SelectedImages) -> None:
    started, is_first = pipeline.start_once(batch, token=request.POST.get("token", ""), named=meant.selection.ids)
    if is_first:
        messages.success(request, format_html("Started in the background: {}", display.link(started)))
    else:
        said = _("Already started from this estimate: {}. Nothing else was started.")
        messages.warning(request, format_html(said, display.link(started)))


def _estimated(batch: Batch, meant: SelectedImages) -> Estimate:
    """Of pictures named one by one the batch has to be there; it is not afterwards."""
    with transaction.atomic():
        if batch.uses_id_list:
            lifecycle.prepare(batch, named=meant.selection.ids)
        found = estimate(batch, maximum=LOOKED_AT)
        transaction.set_rollback(True)
    return found


def _lines(found: Estimate) -> list[tuple[str, ...]]:
    return [
        (
            *(Analysis.Api(api).label, f"{each.analyses:,}", f"{each.settled:,}", f"{each.in_progress:,}"),
            *(
                f"{each.reused:,}",
                f"{each.calls:,}",
                formatting.dollars(each.dollars),
                formatting.duration(each.seconds) or _("as fast as the recognizer"),
            ),
        )
        for api, each in found.by_api.items()
    ]


def _sums(found: Estimate) -> str:
    seen = f"Of {found.looked_at:,} pictures {found.images:,} need something: {found.analyses:,} analyses"
    pace = f", {formatting.duration(found.seconds)} at the present pace" if found.seconds is not None else ""
    said = f"{seen}, {formatting.dollars(found.dollars)}{pace}."
    if found.is_whole:
        return said
    return f"{said} Only these {found.looked_at:,} were looked at; there are more, and they cost in proportion."


analyze_again.short_description = "Analyze again…"  # type: ignore[attr-defined]
analyze_again.allowed_permissions = ("ask",)  # type: ignore[attr-defined]
