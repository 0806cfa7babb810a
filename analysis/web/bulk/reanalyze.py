"""Having pictures analyzed again: what it would come to is said first, then it runs in the background."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal

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
from analysis.batches.options import InvalidBatchOptions, build_batch
from analysis.batches.start_tokens import NoToken, new_token
from analysis.curation.bulk import MAX_IDS
from analysis.curation.errors import ActionRefused
from analysis.models import Analysis, Batch, Viewer
from analysis.recognition import registry
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import time_limit
from analysis.web import toasts
from analysis.web.activity import budget_in
from analysis.web.bulk.views import selected
from analysis.web.http import Request, current_user_id, int_param, is_fragment
from analysis.web.toasts import Toast

LOOKED_AT = 2_000
"""Pictures of a large selection that are looked at; the rest is taken to be like them."""
HIDDEN = ("ids", "all", "q", "scope", "code", "everybody", "chosen")
SCOPES = (Batch.Scope.ALL, Batch.Scope.MISSING, Batch.Scope.FAILED)


@dataclass(frozen=True)
class AnalyzeForm:
    """A batch that is not started, the pictures it names, if it does, and the form it came from."""

    batch: Batch
    ids: tuple[int, ...]
    budget: str
    form: dict[str, str]


@dataclass(frozen=True)
class ApiChoice:
    """An API with what asking it would come to; empty where it is not chosen."""

    api: str
    name: str
    is_chosen: bool
    calls: str = ""
    cost: str = ""
    lasts: str = ""
    note: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def analyze(request: Request) -> HttpResponse:
    """The estimate of a selection from the library, or of a search by its address; with `start`, the beginning."""
    permissions.require_may_analyze(request.user)
    is_part = is_fragment(request)
    try:
        asked = _asked(request)
        if request.method == "POST" and request.POST.get("start"):
            return _started(request, asked)
    except (ActionRefused, InvalidBatchOptions, NotAllowed, NoToken) as error:
        if is_part:
            return render(request, "bulk/reanalyze.html#board", _not_estimated(request, str(error)))
        return render(request, "bulk/reanalyze.html", {"complaint": str(error)}, status=422)
    context = _context(asked, may_choose=permissions.may_choose_apis(request.user))
    return render(request, "bulk/reanalyze.html#board" if is_part else "bulk/reanalyze.html", context)


def _started(request: Request, asked: AnalyzeForm) -> HttpResponse:
    """Once for each estimate: a second time it is only told which run was started."""
    batch, is_first = pipeline.start_once(asked.batch, token=request.POST.get("token", ""), named=asked.ids)
    if is_first:
        toast = Toast(f"Batch {batch.pk} is under way.")
    else:
        said = _("Batch %(number)s was already started from this estimate, %(ago)s. Nothing else was started.")
        ago = formatting.ago(batch.started_at, now=now())
        toast = Toast(
            said % {"number": batch.pk, "ago": ago},
            url=f"{reverse('activity')}#batch-{batch.pk}",
            url_words=_("Show batch %(number)s") % {"number": batch.pk},
        )
    toasts.add_toast(request, toast)
    return redirect("activity")


def _not_estimated(request: Request, complaint: str) -> dict[str, object]:
    """The form as it was sent, with why it cannot be started."""
    said = request.POST
    chosen = said.getlist("api")
    batch_form = {name: said[name] for name in HIDDEN if said.get(name)}
    able = _offered(chosen, may_choose=permissions.may_choose_apis(request.user))
    return {
        "form": batch_form,
        "choices": [ApiChoice(api, Analysis.Api(api).label, is_chosen=api in chosen) for api in able],
        "is_forced": bool(said.get("force")),
        "is_failed": said.get("scope") == Batch.Scope.FAILED,
        "budget": said.get("budget", ""),
        "suggested": said.get("suggested", ""),
        "token": new_token(),
        "reason": complaint,
    }


def _asked(request: Request) -> AnalyzeForm:
    """What the form, or the address, asks for. Raises Refused and BadBatch."""
    said = request.POST if request.method == "POST" else request.GET
    ids, query = _pictures(request)
    budget = said.get("budget", "")
    is_suggested = budget == said.get("suggested", "")
    all_owners = bool(said.get("everybody")) and permissions.analyzes_all(request.user)
    scope = said.get("scope", "")
    batch = build_batch(
        query=query,
        scope=scope if scope in SCOPES else Batch.Scope.ALL,
        apis=said.getlist("api") or _none(said),
        error_code=said.get("code", "").replace("\x00", "")[:80] if scope == Batch.Scope.FAILED else "",
        budget=budget_in(budget) if said.get("start") or not is_suggested else None,
        is_forced=bool(said.get("force")),
        uses_id_list=bool(ids),
        person_id=current_user_id(request),
        all_owners=all_owners,
    )
    authorization.require(batch)
    batch.expected = int_param(said.get("expected", ""), maximum=2**31 - 1, minimum=0) or None
    return AnalyzeForm(batch, ids, "" if is_suggested else budget, _form(batch, ids, all_owners=all_owners))


def _pictures(request: Request) -> tuple[tuple[int, ...], str]:
    """The ids that are named, or the search; a search by its address means every hit."""
    if request.method != "POST":
        return (), request.GET.get("q", "")
    selection = selected(request)
    if len(selection.ids) > MAX_IDS:
        raise ActionRefused(f"At most {MAX_IDS:,} pictures can be named one by one; select all results instead.")
    return selection.ids, selection.query.text if selection.query is not None else ""


def _none(said: QueryDict) -> list[str] | None:
    """All wanted APIs at first; none where every box was cleared, which is a mistake."""
    return [] if "chosen" in said else None


def _form(batch: Batch, ids: Iterable[int], *, all_owners: bool) -> dict[str, str]:
    """The fields that say again which pictures are meant."""
    named = ",".join(map(str, ids))
    which = {"ids": named} if named else {"all": "1", "q": batch.query}
    told = {"scope": batch.scope, "code": batch.error_code, "everybody": "1" if all_owners else ""}
    return {**which, "chosen": "1", **{name: value for name, value in told.items() if value}}


def _context(asked: AnalyzeForm, *, may_choose: bool) -> dict[str, object]:
    found = estimate_unsaved(asked.batch, named=asked.ids, maximum=LOOKED_AT)
    share = 1.0 if found.is_whole else _times(asked, found)
    total = _scaled(found, share)
    calls = sum(each.calls for each in total.by_api.values())
    suggested = f"{total.dollars.quantize(formatting.CENT, rounding=ROUND_UP)}" if total.dollars else ""
    return {
        "form": asked.form,
        "token": new_token(),
        "is_forced": asked.batch.is_forced,
        "is_failed": asked.batch.scope == Batch.Scope.FAILED,
        "code": asked.batch.error_code,
        "query": asked.batch.query,
        "is_about": not found.is_whole,
        "is_at_least": not found.is_whole and math.isinf(_hits(asked)),
        "pictures": formatting.pictures(total.images),
        "looked_at": f"{found.looked_at:,}",
        "skipped": _skipped(asked, found),
        "choices": [_choice(api, total.by_api.get(api)) for api in _offered(total.by_api, may_choose=may_choose)],
        "calls": formatting.plural(ngettext("%(number)s call", "%(number)s calls", calls), calls),
        "analyses": total.analyses,
        "cost": formatting.dollars(total.dollars) if total.dollars else "",
        "lasts": formatting.duration(total.seconds),
        "cautions": warnings(asked.batch, total),
        "expected": found.analyses if found.is_whole else "",
        "budget": asked.budget or suggested,
        "suggested": suggested,
    }


def _times(asked: AnalyzeForm, found: Estimate) -> float:
    """How many times what was looked at the whole is, as far as it is known."""
    hits = _hits(asked)
    whole = results.COUNT_CAP if math.isinf(hits) else hits
    looked_at = LOOKED_AT if asked.ids else found.looked_at
    return max(1.0, whole / max(looked_at, 1))


def _hits(asked: AnalyzeForm) -> float:
    """Pictures of the selection; infinity where they are too many to be counted."""
    if asked.ids:
        return len(asked.ids)
    batch = asked.batch
    own = "" if batch.all_owners else " owner:me"
    viewer = Viewer(sees_all=True) if batch.all_owners else Viewer(person_id=batch.person_id)
    try:
        with time_limit():
            number = results.count(parse(f"{batch.query}{own}"), viewer=viewer)
    except InvalidQuery:  # too long with that word more, or not counted in time
        return math.inf
    return math.inf if number > results.COUNT_CAP else number


def _scaled(found: Estimate, times: float) -> Estimate:
    by_api = {
        api: replace(
            each,
            analyses=round(each.analyses * times),
            reused=round(each.reused * times),
            settled=round(each.settled * times),
            in_progress=round(each.in_progress * times),
            dollars=each.dollars * Decimal(times),
            seconds=None if each.seconds is None else each.seconds * times,
        )
        for api, each in found.by_api.items()
    }
    return replace(found, images=round(found.images * times), by_api=by_api)


def _skipped(asked: AnalyzeForm, found: Estimate) -> str:
    """Chosen ones that the batch leaves alone: somebody else's, in the trash, or gone."""
    number = len(asked.ids) - found.looked_at if asked.ids and found.is_whole else 0
    if number <= 0:
        return ""
    one, several = (
        "%(number)s chosen picture is not yours to analyze.",
        "%(number)s chosen pictures are not yours to analyze.",
    )
    return formatting.plural(ngettext(one, several, number), number)


def _offered(chosen: Iterable[str], *, may_choose: bool) -> list[str]:
    """The APIs to tick: those that are switched on, and all there are for who may put them on the bill."""
    able = registry.current().apis
    offered = set(able) if may_choose else {*registry.wanted_apis(), *chosen}
    return [api for api in Analysis.Api.values if api in able and api in offered]


def _choice(api: str, each: ApiEstimate | None) -> ApiChoice:
    name = Analysis.Api(api).label
    if each is None:
        return ApiChoice(api, name, is_chosen=False)
    notes = [
        f"{each.reused:,} from the store" if each.reused else "",
        f"{each.settled:,} answered so already" if each.settled else "",
        f"{each.in_progress:,} under way already" if each.in_progress else "",
    ]
    return ApiChoice(
        api=api,
        name=name,
        is_chosen=True,
        calls=f"{each.calls:,}",
        cost=formatting.dollars(each.dollars) if each.dollars else "",
        lasts=formatting.duration(each.seconds) if each.seconds and each.calls else "",
        note=", ".join(note for note in notes if note),
    )
