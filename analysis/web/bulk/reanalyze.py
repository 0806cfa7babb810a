"""The “Analyze again” page: an estimate of calls and cost, then a bulk run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_UP

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from analysis import formatting, permissions, pipeline
from analysis.batches import authorization
from analysis.batches.authorization import NotAllowed
from analysis.batches.estimate import ApiEstimate, Estimate, estimate_unsaved, warnings
from analysis.batches.options import InvalidBatchOptions, build_batch, with_apis
from analysis.batches.start_tokens import NoToken, new_token
from analysis.curation.bulk import MAX_IDS
from analysis.curation.errors import ActionRefused
from analysis.models import Analysis, Batch
from analysis.recognition import registry
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.web import toasts
from analysis.web.budget_field import parse_budget
from analysis.web.bulk.sampling import SAMPLE_SIZE, scale, scale_factor, selection_size
from analysis.web.bulk.selection import selection_of
from analysis.web.http import Request, current_user_id, int_param, is_fragment
from analysis.web.toasts import Toast

REPEATED_FIELDS = ("ids", "all", "q", "scope", "code", "everybody", "chosen")
SCOPES = (Batch.Scope.ALL, Batch.Scope.MISSING, Batch.Scope.FAILED)


@dataclass(frozen=True)
class AnalyzeForm:
    """A bulk run that has not been started.

    `ids` are its pictures if they were selected one by one; `fields` are the hidden form fields that select them again.
    """

    batch: Batch
    ids: tuple[int, ...]
    budget: str
    fields: dict[str, str]


@dataclass(frozen=True)
class ApiChoice:
    """The checkbox of an API, with the API's estimate even if it is not checked."""

    api: str
    name: str
    is_chosen: bool
    calls: str = ""
    cost: str = ""
    duration: str = ""
    note: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def analyze(request: Request) -> HttpResponse:
    """Estimate a selection (POST) or a search (GET, `q`); with `start`, run it."""
    permissions.require_analyze_images(request.user)
    is_part = is_fragment(request)
    try:
        form = _parse_form(request)
        if request.method == "POST" and request.POST.get("start"):
            return _start(request, form)
        context = _estimate_context(form, may_choose=permissions.can_choose_apis(request.user))
    except (ActionRefused, InvalidBatchOptions, NotAllowed, NoToken, SearchTooSlow) as error:
        if is_part:
            return render(request, "bulk/reanalyze.html#board", _invalid_context(request, str(error)))
        return render(request, "bulk/reanalyze.html", {"error": str(error)}, status=422)
    return render(request, "bulk/reanalyze.html#board" if is_part else "bulk/reanalyze.html", context)


def _start(request: Request, form: AnalyzeForm) -> HttpResponse:
    """Start the run, once per estimate."""
    # The token is valid once; otherwise Back and a second Start would pay twice.
    batch, is_first = pipeline.start_once(form.batch, token=request.POST.get("token", ""), named=form.ids)
    if is_first:
        toast = Toast(_("Started bulk run %(number)s.") % {"number": batch.pk})
    else:
        message = _("Bulk run %(number)s was already started from this estimate, %(ago)s. Nothing new was started.")
        toast = Toast(
            message % {"number": batch.pk, "ago": formatting.ago(batch.started_at, now=now())},
            url=f"{reverse('activity')}#batch-{batch.pk}",
            link_text=_("Show bulk run %(number)s") % {"number": batch.pk},
        )
    toasts.add_toast(request, toast)
    return redirect("activity")


def _invalid_context(request: Request, reason: str) -> dict[str, object]:
    """Context of the submitted form, with the reason why it can't be started."""
    chosen = request.POST.getlist("api")
    apis = _offered_apis(chosen, may_choose=permissions.can_choose_apis(request.user))
    return {
        "form": {name: request.POST[name] for name in REPEATED_FIELDS if request.POST.get(name)},
        "choices": [ApiChoice(api, str(Analysis.Api(api).label), is_chosen=api in chosen) for api in apis],
        "is_forced": bool(request.POST.get("force")),
        "is_failed": request.POST.get("scope") == Batch.Scope.FAILED,
        "budget": request.POST.get("budget", ""),
        "suggested": request.POST.get("suggested", ""),
        "token": new_token(),
        "reason": reason,
    }


def _parse_form(request: Request) -> AnalyzeForm:
    """Read the form or the URL.

    Raises ActionRefused, InvalidBatchOptions and NotAllowed.
    """
    data = request.POST if request.method == "POST" else request.GET
    ids, query = _selected_pictures(request)
    budget = data.get("budget", "")
    # A budget equal to the suggestion was not typed, so it follows the estimate when the form changes.
    is_suggested = budget == data.get("suggested", "")
    all_owners = bool(data.get("everybody")) and permissions.can_analyze_all_images(request.user)
    scope = data.get("scope", "")
    batch = build_batch(
        query=query,
        scope=scope if scope in SCOPES else Batch.Scope.ALL,
        apis=data.getlist("api") or _default_apis(data),
        error_code=data.get("code", "").replace("\x00", "")[:80] if scope == Batch.Scope.FAILED else "",
        budget=parse_budget(budget) if data.get("start") or not is_suggested else None,
        is_forced=bool(data.get("force")),
        uses_id_list=bool(ids),
        person_id=current_user_id(request),
        all_owners=all_owners,
    )
    authorization.require(batch)
    # From the form: the estimate takes seconds, was shown a moment ago, and only serves the progress bar.
    batch.expected = int_param(data.get("expected", ""), maximum=2**31 - 1, minimum=0) or None
    return AnalyzeForm(batch, ids, "" if is_suggested else budget, _selection_fields(batch, ids, all_owners=all_owners))


def _selected_pictures(request: Request) -> tuple[tuple[int, ...], str]:
    """The ids or the query that was selected; a GET request selects its whole query."""
    if request.method != "POST":
        return (), request.GET.get("q", "")
    selection = selection_of(request)
    if len(selection.ids) > MAX_IDS:
        message = _("At most %(limit)s pictures can be selected one by one. Select all results instead.")
        raise ActionRefused(message % {"limit": formatting.count(MAX_IDS)})
    return selection.ids, selection.query.text if selection.query is not None else ""


def _default_apis(data: QueryDict) -> list[str] | None:
    """The APIs if no box is checked: None for the default, [] if all were cleared."""
    return [] if "chosen" in data else None


def _selection_fields(batch: Batch, ids: Iterable[int], *, all_owners: bool) -> dict[str, str]:
    """Hidden form fields that select the same pictures again."""
    id_list = ",".join(map(str, ids))
    selection = {"ids": id_list} if id_list else {"all": "1", "q": batch.query}
    options = {"scope": batch.scope, "code": batch.error_code, "everybody": "1" if all_owners else ""}
    # `chosen`: in the submitted form, no checked API means none, not the default ones.
    return {**selection, "chosen": "1", **{name: value for name, value in options.items() if value}}


def _estimate_context(form: AnalyzeForm, *, may_choose: bool) -> dict[str, object]:
    with time_limit():
        sample = estimate_unsaved(form.batch, named=form.ids, maximum=SAMPLE_SIZE)
    total = _scaled(form, sample)
    offered = _offered_apis(total.by_api, may_choose=may_choose)
    by_api = {**_estimates_of_others(form, [api for api in offered if api not in total.by_api]), **total.by_api}
    # Rounded up: a budget even a fraction of a cent below the cost would stop the run before its last picture.
    suggested = f"{total.dollars.quantize(formatting.CENT, rounding=ROUND_UP)}" if total.dollars else ""
    return {
        "form": form.fields,
        "token": new_token(),
        "is_forced": form.batch.is_forced,
        "is_failed": form.batch.scope == Batch.Scope.FAILED,
        "code": form.batch.error_code,
        "query": form.batch.query,
        "totals": _totals(form, total, is_sampled=not sample.is_complete),
        "sample_note": "" if sample.is_complete else _sample_note(sample.examined),
        "skipped": _skipped(form, sample),
        "choices": [_api_choice(api, by_api.get(api), is_chosen=api in total.by_api) for api in offered],
        "analyses": total.analyses,
        "warnings": warnings(form.batch, total),
        # As text without separators: the template would write 1,234, which is not a number.
        "expected": str(sample.analyses) if sample.is_complete else "",
        "budget": form.budget or suggested,
        "suggested": suggested,
    }


def _scaled(form: AnalyzeForm, sample: Estimate) -> Estimate:
    return sample if sample.is_complete else scale(sample, scale_factor(form.batch, form.ids, sample))


def _estimates_of_others(form: AnalyzeForm, apis: list[str]) -> dict[str, ApiEstimate]:
    """The additional cost of the APIs not selected; empty if it takes too long."""
    if not apis:
        return {}
    try:
        with time_limit():
            sample = estimate_unsaved(with_apis(form.batch, apis), named=form.ids, maximum=SAMPLE_SIZE)
            return _scaled(form, sample).by_api
    except SearchTooSlow:
        return {}


def _totals(form: AnalyzeForm, total: Estimate, *, is_sampled: bool) -> list[str]:
    """Pictures, calls, cost and duration of the whole run."""
    pictures = formatting.pictures(total.images)
    if is_sampled:
        estimated = (
            _("At least %(pictures)s") if math.isinf(selection_size(form.batch, form.ids)) else _("About %(pictures)s")
        )
        pictures = estimated % {"pictures": pictures}
    if not total.analyses:
        return [pictures]
    calls = sum(estimate.calls for estimate in total.by_api.values())
    cost = _("at most %(cost)s") % {"cost": formatting.dollars(total.dollars)} if total.dollars else ""
    return [
        pictures,
        formatting.plural(ngettext("%(number)s call", "%(number)s calls", calls), calls),
        *filter(None, [cost, formatting.duration(total.seconds)]),
    ]


def _sample_note(number: int) -> str:
    note = ngettext(
        "Estimated from the first %(number)s picture.", "Estimated from the first %(number)s pictures.", number
    )
    return formatting.plural(note, number)


def _skipped(form: AnalyzeForm, sample: Estimate) -> str:
    """A note on selected pictures that the run skips, such as other people's."""
    number = len(form.ids) - sample.examined if form.ids and sample.is_complete else 0
    if number <= 0:
        return ""
    note = ngettext(
        "%(number)s selected picture is skipped because it isn't yours or is in the trash.",
        "%(number)s selected pictures are skipped because they aren't yours or are in the trash.",
        number,
    )
    return formatting.plural(note, number)


def _offered_apis(chosen: Iterable[str], *, may_choose: bool) -> list[str]:
    """APIs with a checkbox: the enabled ones, or all for users who may choose APIs."""
    supported = registry.current().apis
    offered = set(supported) if may_choose else {*registry.enabled_apis(), *chosen}
    return [api for api in Analysis.Api.values if api in supported and api in offered]


def _api_choice(api: str, api_estimate: ApiEstimate | None, *, is_chosen: bool) -> ApiChoice:
    name = str(Analysis.Api(api).label)
    if api_estimate is None:
        return ApiChoice(api, name, is_chosen=is_chosen)
    notes = {
        _("%(number)s from cache"): api_estimate.reused,
        _("%(number)s up to date"): api_estimate.up_to_date,
        _("%(number)s in progress"): api_estimate.in_progress,
    }
    return ApiChoice(
        api=api,
        name=name,
        is_chosen=is_chosen,
        calls=formatting.count(api_estimate.calls),
        cost=_cost(api_estimate),
        duration=formatting.duration(api_estimate.seconds) if api_estimate.seconds and api_estimate.calls else "",
        note=", ".join(formatting.plural(note, number) for note, number in notes.items() if number),
    )


def _cost(api_estimate: ApiEstimate) -> str:
    if api_estimate.dollars:
        return formatting.dollars(api_estimate.dollars)
    return _("Free") if api_estimate.calls else ""
