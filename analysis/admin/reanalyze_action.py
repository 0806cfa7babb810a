"""The action that re-analyzes many images: form, estimate, bulk run."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from analysis import formatting, pipeline
from analysis.admin import display
from analysis.admin.image_actions import Rows, SelectedImages, action_page, selected_images
from analysis.admin.image_query import InvalidFilter
from analysis.batches.authorization import NotAllowed
from analysis.batches.estimate import Estimate, estimate_unsaved
from analysis.batches.options import InvalidBatchOptions, build_batch
from analysis.batches.start_tokens import NoToken, new_token
from analysis.models import Analysis, Batch
from analysis.recognition import registry
from analysis.search.time_limit import SearchTooSlow, time_limit

MAX_ESTIMATED = 2_000
"""Pictures examined for an estimate; a larger selection is estimated from these."""


class ReanalyzeForm(forms.Form):
    apis = forms.MultipleChoiceField(label=_("APIs"), widget=UnfoldAdminCheckboxSelectMultipleWidget)
    scope = forms.ChoiceField(label=_("Pictures"), widget=UnfoldAdminSelectWidget)
    is_forced = forms.BooleanField(
        label=_("Re-run even if a result exists"),
        required=False,
        help_text=_("You will be charged again; earlier results stay in the history."),
        widget=UnfoldBooleanSwitchWidget,
    )
    min_confidence = forms.FloatField(
        label=_("Minimum confidence"),
        required=False,
        help_text=_("Percent. Leave empty to use MIN_CONFIDENCE."),
        widget=UnfoldAdminDecimalFieldWidget,
    )
    max_labels = forms.IntegerField(
        label=_("Maximum labels"),
        required=False,
        help_text=_("Leave empty to use MAX_LABELS."),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    limit = forms.IntegerField(label=_("Maximum pictures"), required=False, widget=UnfoldAdminIntegerFieldWidget)
    budget = forms.DecimalField(label=_("Budget limit (USD)"), required=False, widget=UnfoldAdminDecimalFieldWidget)
    rate = forms.FloatField(
        label=_("Rate limit"),
        required=False,
        help_text=_("Calls per second for each API."),
        widget=UnfoldAdminDecimalFieldWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        available = registry.current().apis
        apis: Any = self.fields["apis"]
        apis.choices = [(value, label) for value, label in Analysis.Api.choices if value in available]
        apis.initial = registry.enabled_apis()
        scope: Any = self.fields["scope"]
        scope.choices = Batch.Scope.choices

    def batch(self, selected: SelectedImages) -> Batch:
        """An unsaved batch. Raises InvalidBatchOptions."""
        data = self.cleaned_data
        query = selected.selection.query
        return build_batch(
            query=query.text if query is not None else "",
            scope=data["scope"],
            apis=data["apis"],
            min_confidence=data["min_confidence"],
            max_labels=data["max_labels"],
            older_than="latest" if data["scope"] == Batch.Scope.OUTDATED else "",
            limit=data["limit"],
            budget=data["budget"],
            rate=data["rate"],
            is_forced=data["is_forced"],
            uses_id_list=query is None,
            all_owners=True,
            person_id=selected.selection.person.pk,
        )

    def digest(self) -> str:
        """Identify the estimated options; a run starts only with the same ones."""
        return sha256(repr(sorted(self.cleaned_data.items())).encode()).hexdigest()


@admin.action(description=_("Analyze again…"), permissions=["analyze"])
def reanalyze(model_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponseBase | None:
    """Show the form, then its estimate, then start the bulk run."""
    try:
        selected = selected_images(request, rows)
    except InvalidFilter as error:
        messages.error(request, str(error))
        return None
    form = ReanalyzeForm(request.POST if "confirmed" in request.POST else None)
    context = {}
    if form.is_valid():
        try:
            batch = form.batch(selected)
            if "start" in request.POST and request.POST.get("estimated") == form.digest():
                _start(request, batch, selected)
                return None
            with time_limit():
                estimate = estimate_unsaved(batch, named=selected.selection.ids, maximum=MAX_ESTIMATED)
            context = {
                "rows": _table_rows(estimate),
                "summary": _summary(estimate),
                "digest": form.digest(),
                "token": new_token(),
            }
        except (InvalidBatchOptions, NotAllowed, NoToken, SearchTooSlow) as error:
            form.add_error(None, str(error))
    title = gettext("Analyze again")
    return action_page(model_admin, request, title=title, selected=selected, form=form, is_estimating=True, **context)


def _start(request: HttpRequest, batch: Batch, selected: SelectedImages) -> None:
    started, is_first = pipeline.start_once(batch, token=request.POST.get("token", ""), named=selected.selection.ids)
    if is_first:
        messages.success(request, format_html(gettext("{} started in the background."), display.link(started)))
    else:
        sentence = gettext("{} was already started from this estimate. Nothing else was started.")
        messages.warning(request, format_html(sentence, display.link(started)))


def _table_rows(estimate: Estimate) -> list[tuple[str, ...]]:
    return [
        (
            str(Analysis.Api(api).label),
            formatting.count(of_api.analyses),
            formatting.count(of_api.up_to_date),
            formatting.count(of_api.in_progress),
            formatting.count(of_api.reused),
            formatting.count(of_api.calls),
            formatting.dollars(of_api.dollars),
            formatting.duration(of_api.seconds) or gettext("not rate limited"),
        )
        for api, of_api in estimate.by_api.items()
    ]


def _summary(estimate: Estimate) -> str:
    analyses = ngettext("%(number)s analysis", "%(number)s analyses", estimate.analyses)
    parts = [
        gettext("%(needed)s of %(number)s pictures to analyze")
        % {"needed": formatting.count(estimate.images), "number": formatting.count(estimate.examined)},
        formatting.plural(analyses, estimate.analyses),
        formatting.dollars(estimate.dollars),
        formatting.duration(estimate.seconds),
    ]
    summary = " · ".join(part for part in parts if part)
    if estimate.is_complete:
        return summary
    more = gettext("Estimated from the first %(number)s pictures; the selection has more.")
    return f"{summary}. {more % {'number': formatting.count(estimate.examined)}}"
