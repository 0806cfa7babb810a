"""Having pictures analyzed again: what it would come to is said first, then it runs in the background."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from analysis import permissions, pipeline
from analysis.batches import lifecycle
from analysis.batches.estimate import ApiEstimate, Estimate, estimate, warnings
from analysis.batches.options import InvalidBatchOptions, build_batch
from analysis.curation.bulk import MAX_IDS
from analysis.curation.errors import ActionRefused
from analysis.formatting import CENT, dollars, lasting, many
from analysis.models import Analysis, Batch, Viewer
from analysis.recognition import registry
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import time_limit
from analysis.web import toasts
from analysis.web.activity import budget_in
from analysis.web.bulk.views import selected
from analysis.web.http import Request, current_user_id, int_param
from analysis.web.toasts import Toast

LOOKED_AT = 2_000
"""Pictures of a large selection that are looked at; the rest is taken to be like them."""
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
    try:
        asked = _asked(request)
    except (ActionRefused, InvalidBatchOptions) as error:
        return render(request, "analyze.html", {"complaint": str(error)}, status=422)
    if request.method == "POST" and request.POST.get("start"):
        pipeline.run_batch(asked.batch, named=asked.ids)
        toasts.add_toast(request, Toast(f"Batch {asked.batch.pk} is under way."))
        return redirect("activity")
    return render(request, "analyze.html", _context(asked))


def _asked(request: Request) -> AnalyzeForm:
    """What the form, or the address, asks for. Raises Refused and BadBatch."""
    said = request.POST if request.method == "POST" else request.GET
    ids, query = _pictures(request)
    budget = said.get("budget", "")
    is_suggested = budget == said.get("suggested", "")
    all_owners = bool(said.get("everybody")) and permissions.is_staff(request.user)
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


def _context(asked: AnalyzeForm) -> dict[str, object]:
    found = _estimated(asked)
    share = 1.0 if found.is_whole else _times(asked, found)
    total = _scaled(found, share)
    suggested = f"{total.dollars.quantize(CENT, rounding=ROUND_UP)}" if total.dollars else ""
    return {
        "form": asked.form,
        "is_forced": asked.batch.is_forced,
        "is_failed": asked.batch.scope == Batch.Scope.FAILED,
        "code": asked.batch.error_code,
        "query": asked.batch.query,
        "is_about": not found.is_whole,
        "is_at_least": not found.is_whole and math.isinf(_hits(asked)),
        "pictures": many(total.images, "picture"),
        "looked_at": f"{found.looked_at:,}",
        "skipped": _skipped(asked, found),
        "choices": _choices(total),
        "calls": many(sum(each.calls for each in total.by_api.values()), "call"),
        "analyses": total.analyses,
        "cost": dollars(total.dollars) if total.dollars else "",
        "lasts": lasting(total.seconds),
        "cautions": warnings(asked.batch, total),
        "expected": found.analyses if found.is_whole else "",
        "budget": asked.budget or suggested,
        "suggested": suggested,
    }


def _estimated(asked: AnalyzeForm) -> Estimate:
    """Of named pictures the first are written down for the while of counting, and forgotten again."""
    if not asked.ids:
        return estimate(asked.batch, maximum=LOOKED_AT)
    with transaction.atomic():
        lifecycle.prepare(asked.batch, named=asked.ids[:LOOKED_AT])
        found = estimate(asked.batch)
        transaction.set_rollback(True)
    asked.batch.pk = None
    found.is_whole = len(asked.ids) <= LOOKED_AT
    return found


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
    return f"{many(number, 'chosen picture')} {'is' if number == 1 else 'are'} not yours to analyze."


def _choices(found: Estimate) -> list[ApiChoice]:
    able = registry.current().apis
    return [_choice(api, found.by_api.get(api)) for api in Analysis.Api.values if api in able]


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
        cost=dollars(each.dollars) if each.dollars else "",
        lasts=lasting(each.seconds) if each.seconds and each.calls else "",
        note=", ".join(note for note in notes if note),
    )
