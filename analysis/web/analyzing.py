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

from analysis import access, pipeline
from analysis.batches import states
from analysis.batches.estimate import ApiEstimate, Estimate, cautions, estimate
from analysis.batches.wish import BadBatch, wish
from analysis.curation.bulk import MOST_IDS
from analysis.curation.refused import Refused
from analysis.models import Analysis, Audience, Batch
from analysis.recognition import recognizers
from analysis.search import results
from analysis.search.grammar import BadQuery, parse
from analysis.web import toasts
from analysis.web.activity import budget_in
from analysis.web.bulk import selected
from analysis.web.requests import Request, number_in, person_id
from analysis.web.spoken import CENT, dollars, lasting, many
from analysis.web.toasts import Toast

LOOKED_AT = 2_000
"""Pictures of a large selection that are looked at; the rest is taken to be like them."""
SCOPES = (Batch.Scope.ALL, Batch.Scope.MISSING, Batch.Scope.FAILED)


@dataclass(frozen=True)
class Asked:
    """A batch that is not started, the pictures it names, if it does, and the form it came from."""

    batch: Batch
    ids: tuple[int, ...]
    budget: str
    form: dict[str, str]


@dataclass(frozen=True)
class Choice:
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
    except (Refused, BadBatch) as error:
        return render(request, "analyze.html", {"complaint": str(error)}, status=422)
    if request.method == "POST" and request.POST.get("start"):
        pipeline.run_batch(asked.batch, named=asked.ids)
        toasts.put(request, Toast(f"Batch {asked.batch.pk} is under way."))
        return redirect("activity")
    return render(request, "analyze.html", _context(asked))


def _asked(request: Request) -> Asked:
    """What the form, or the address, asks for. Raises Refused and BadBatch."""
    said = request.POST if request.method == "POST" else request.GET
    ids, query = _pictures(request)
    budget = said.get("budget", "")
    is_suggested = budget == said.get("suggested", "")
    is_of_everybody = bool(said.get("everybody")) and access.is_staff(request.user)
    scope = said.get("scope", "")
    batch = wish(
        query=query,
        scope=scope if scope in SCOPES else Batch.Scope.ALL,
        apis=said.getlist("api") or _none(said),
        error_code=said.get("code", "").replace("\x00", "")[:80] if scope == Batch.Scope.FAILED else "",
        budget=budget_in(budget) if said.get("start") or not is_suggested else None,
        is_forced=bool(said.get("force")),
        is_of_named=bool(ids),
        person_id=person_id(request),
        is_of_everybody=is_of_everybody,
    )
    batch.expected = number_in(said.get("expected", ""), most=2**31 - 1, least=0) or None
    return Asked(batch, ids, "" if is_suggested else budget, _form(batch, ids, is_of_everybody=is_of_everybody))


def _pictures(request: Request) -> tuple[tuple[int, ...], str]:
    """The ids that are named, or the search; a search by its address means every hit."""
    if request.method != "POST":
        return (), request.GET.get("q", "")
    selection = selected(request)
    if len(selection.ids) > MOST_IDS:
        raise Refused(f"At most {MOST_IDS:,} pictures can be named one by one; select all results instead.")
    return selection.ids, selection.query.text if selection.query is not None else ""


def _none(said: QueryDict) -> list[str] | None:
    """All wanted APIs at first; none where every box was cleared, which is a mistake."""
    return [] if "chosen" in said else None


def _form(batch: Batch, ids: Iterable[int], *, is_of_everybody: bool) -> dict[str, str]:
    """The fields that say again which pictures are meant."""
    named = ",".join(map(str, ids))
    which = {"ids": named} if named else {"all": "1", "q": batch.query}
    told = {"scope": batch.scope, "code": batch.error_code, "everybody": "1" if is_of_everybody else ""}
    return {**which, "chosen": "1", **{name: value for name, value in told.items() if value}}


def _context(asked: Asked) -> dict[str, object]:
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
        "passed_over": _passed_over(asked, found),
        "choices": _choices(total),
        "calls": many(sum(each.calls for each in total.by_api.values()), "call"),
        "analyses": total.analyses,
        "cost": dollars(total.dollars) if total.dollars else "",
        "lasts": lasting(total.seconds),
        "cautions": cautions(asked.batch, total),
        "expected": found.analyses if found.is_whole else "",
        "budget": asked.budget or suggested,
        "suggested": suggested,
    }


def _estimated(asked: Asked) -> Estimate:
    """Of named pictures the first are written down for the while of counting, and forgotten again."""
    if not asked.ids:
        return estimate(asked.batch, most=LOOKED_AT)
    with transaction.atomic():
        states.prepare(asked.batch, named=asked.ids[:LOOKED_AT])
        found = estimate(asked.batch)
        transaction.set_rollback(True)
    asked.batch.pk = None
    found.is_whole = len(asked.ids) <= LOOKED_AT
    return found


def _times(asked: Asked, found: Estimate) -> float:
    """How many times what was looked at the whole is, as far as it is known."""
    hits = _hits(asked)
    whole = results.COUNT_CAP if math.isinf(hits) else hits
    looked_at = LOOKED_AT if asked.ids else found.looked_at
    return max(1.0, whole / max(looked_at, 1))


def _hits(asked: Asked) -> float:
    """Pictures of the selection; infinity where they are too many to be counted."""
    if asked.ids:
        return len(asked.ids)
    batch = asked.batch
    own = "" if batch.is_of_everybody else " owner:me"
    audience = Audience(sees_all=True) if batch.is_of_everybody else Audience(person_id=batch.person_id)
    try:
        number = results.count(parse(f"{batch.query}{own}"), audience=audience)
    except BadQuery:  # too long with that word more
        return math.inf
    return math.inf if number > results.COUNT_CAP else number


def _scaled(found: Estimate, times: float) -> Estimate:
    by_api = {
        api: replace(
            each,
            analyses=round(each.analyses * times),
            reused=round(each.reused * times),
            settled=round(each.settled * times),
            under_way=round(each.under_way * times),
            dollars=each.dollars * Decimal(times),
            seconds=None if each.seconds is None else each.seconds * times,
        )
        for api, each in found.by_api.items()
    }
    return replace(found, images=round(found.images * times), by_api=by_api)


def _passed_over(asked: Asked, found: Estimate) -> str:
    """Chosen ones that the batch leaves alone: somebody else's, in the trash, or gone."""
    number = len(asked.ids) - found.looked_at if asked.ids and found.is_whole else 0
    if number <= 0:
        return ""
    return f"{many(number, 'chosen picture')} {'is' if number == 1 else 'are'} not yours to analyze."


def _choices(found: Estimate) -> list[Choice]:
    able = recognizers.current().apis
    return [_choice(api, found.by_api.get(api)) for api in Analysis.Api.values if api in able]


def _choice(api: str, each: ApiEstimate | None) -> Choice:
    name = Analysis.Api(api).label
    if each is None:
        return Choice(api, name, is_chosen=False)
    notes = [
        f"{each.reused:,} from the store" if each.reused else "",
        f"{each.settled:,} answered so already" if each.settled else "",
        f"{each.under_way:,} under way already" if each.under_way else "",
    ]
    return Choice(
        api=api,
        name=name,
        is_chosen=True,
        calls=f"{each.calls:,}",
        cost=dollars(each.dollars) if each.dollars else "",
        lasts=lasting(each.seconds) if each.seconds and each.calls else "",
        note=", ".join(note for note in notes if note),
    )
