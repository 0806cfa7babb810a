"""The activity page: bulk runs as they go, what failed and why, buckets and their syncs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.batches import lifecycle
from analysis.batches.authorization import NotAllowed
from analysis.batches.options import InvalidBatchOptions, check_amounts
from analysis.batches.progress import Progress, progress_of
from analysis.models import Analysis, Batch, Bucket, BucketObject
from analysis.statistics.failures import SCAN_LIMIT, Cause, failures
from analysis.web import links, toasts
from analysis.web.error_advice import advice
from analysis.web.http import Request, current_user_id, is_fragment
from analysis.web.toasts import Toast

State = Batch.State
OVER = (State.DONE, State.CANCELLED)
MOST_ALIVE, MOST_OVER = 50, 20


@dataclass(frozen=True)
class BatchRow:
    """A batch as the page shows it. `most` is empty while nobody knows how many analyses there will be."""

    id: int
    title: str
    note: str
    state: str
    state_words: str
    reason: str
    ended: str
    maximum: str
    counts: list[str]
    figures: list[str]
    url: str
    when: str
    exact: str
    budget: str


@dataclass(frozen=True)
class FailureRow:
    """A cause with what to do about it; `retry_url` says what asking again would cost."""

    api: str
    code: str
    number: str
    pictures: str
    sentence: str
    advice: str
    ago: str
    retry_url: str


@dataclass(frozen=True)
class SyncRow:
    name: str
    owner: str
    trouble: str
    state_words: str
    figures: list[str]
    url: str


@require_safe
def activity(request: Request) -> HttpResponse:
    """One's own, and everybody's for staff; as a fragment only the batches, which ask again while one is under way."""
    person = current_user_id(request)
    rows, is_moving = _batches(permissions.viewable_batches(request.user), now=now())
    context = {"rows": rows, "is_moving": is_moving, "is_staff": permissions.can_view_system(request.user)}
    if is_fragment(request):
        return render(request, "activity.html#batches", context)
    sees_all = permissions.can_view_all_failures(request.user)
    found = failures(person_id=None if sees_all else person)
    context |= {
        "failures": [_failure(cause, all_owners=sees_all) for cause in found.causes],
        "most_failures": "" if found.is_complete else f"{SCAN_LIMIT:,}",
        "syncs": _syncs(request),
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "activity.html", context)


@require_POST
def batch_action(request: Request, batch_id: int, action: str) -> HttpResponse:
    """Pause, resume or cancel a batch of one's own, or as staff who may, anybody's."""
    if action not in STEPS:
        raise Http404
    batch = get_object_or_404(permissions.viewable_batches(request.user), pk=batch_id)
    if not permissions.can_control_batch(request.user, batch):
        raise PermissionDenied(_("This run was started by someone else. You can watch it, but not change it."))
    try:
        is_done = STEPS[action](batch, request)
    except (InvalidBatchOptions, NotAllowed) as error:
        toasts.add_toast(request, Toast(str(error)))
    else:
        toasts.add_toast(request, Toast(f"Batch {batch_id} {DONE[action] if is_done else OTHERWISE[action]}."))
    return redirect("activity")


def _resume(batch: Batch, request: Request) -> bool:
    budget = budget_in(request.POST.get("budget", ""))
    return pipeline.resume_batch(batch.pk, budget=budget)


STEPS: dict[str, Callable[[Batch, Request], bool]] = {
    "pause": lambda batch, _: lifecycle.pause(batch.pk),
    "resume": _resume,
    "cancel": lambda batch, _: lifecycle.cancel(batch.pk),
}
DONE = {
    "pause": "is paused; what is under way ends by itself",
    "resume": "goes on",
    "cancel": "is cancelled; what is answered stays",
}
OTHERWISE = {"pause": "was not running", "resume": "had nothing to resume", "cancel": "was over already"}


def budget_in(text: str) -> Decimal | None:
    """US dollars as somebody typed them; None for none. Raises BadBatch."""
    typed = text.strip().removeprefix("$").replace(",", "")
    if not typed:
        return None
    try:
        budget = Decimal(typed[:40])
    except InvalidOperation as error:
        raise InvalidBatchOptions(f"{text[:40]!r} is no amount in US dollars; write 20 or 0.50.") from error
    check_amounts(budget=budget)
    return budget


def _batches(batches: QuerySet[Batch], *, now: datetime) -> tuple[list[BatchRow], bool]:
    """Those that are not over, then those that ended last; and whether any is under way."""
    alive = batches.exclude(state__in=OVER).order_by("-pk")[:MOST_ALIVE]
    over = batches.filter(state__in=OVER).order_by("-finished_at")[:MOST_OVER]
    found = progress_of([*alive, *over])
    return [_row(each, now) for each in found], any(each.batch.state == State.RUNNING or each.running for each in found)


def _row(each: Progress, now: datetime) -> BatchRow:
    batch = each.batch
    when = batch.finished_at or batch.started_at
    return BatchRow(
        id=batch.pk,
        title=_title(batch),
        note=_note(batch),
        state=batch.state,
        state_words=batch.get_state_display(),
        reason=batch.reason,
        ended=str(each.ended),
        maximum=str(each.total) if each.total is not None else "",
        counts=_counts(each),
        figures=_figures(each),
        url="" if batch.uses_id_list else links.with_parameters(reverse("library"), q=batch.query),
        when=f"{'ended' if batch.finished_at else 'started'} {formatting.ago(when, now=now)}",
        exact=formatting.exact(when),
        budget=f"{batch.budget.normalize():f}" if batch.budget is not None else "",
    )


def _title(batch: Batch) -> str:
    if batch.uses_id_list:
        return "A sample" if batch.is_sample else "Chosen pictures"
    return batch.query or ("All pictures" if batch.all_owners else "All own pictures")


def _note(batch: Batch) -> str:
    """Which of them, what is asked, and by whom."""
    which = {
        Batch.Scope.MISSING: "those without an answer",
        Batch.Scope.FAILED: f"those that failed{f' with {batch.error_code}' if batch.error_code else ''}",
        Batch.Scope.OUTDATED: "those answered by an older model",
    }.get(Batch.Scope(batch.scope), "")
    apis = ", ".join(Analysis.Api(api).label for api in batch.apis if api in Analysis.Api.values)
    who = f"by {batch.person}" if batch.person else "from the command line"
    return " · ".join(filter(None, [which, apis, "asked again" if batch.is_forced else "", who]))


def _counts(each: Progress) -> list[str]:
    of_all = f"{each.ended:,} of {each.total:,}" if each.total is not None else f"{each.ended:,} so far"
    said = [of_all, f"{each.failed:,} failed" if each.failed else ""]
    said.append(f"{each.reused:,} from the store" if each.reused else "")
    return [words for words in said if words]


def _figures(each: Progress) -> list[str]:
    batch = each.batch
    said = []
    if batch.state == State.RUNNING:
        said.append(f"{batch.pace:,.1f} a second" if batch.pace else "")
        said.append(f"{formatting.duration(each.seconds_left)} left" if each.seconds_left else "")
    of_budget = f" of {formatting.dollars(batch.budget)}" if batch.budget is not None else ""
    said.append(f"{formatting.dollars(each.dollars)}{of_budget}" if each.dollars or of_budget else "")
    return [words for words in said if words]


def _failure(cause: Cause, *, all_owners: bool) -> FailureRow:
    retry = {"q": "is:failed", "scope": Batch.Scope.FAILED.value, "code": cause.code, "api": cause.api}
    if all_owners:
        retry["everybody"] = "1"
    return FailureRow(
        api=Analysis.Api(cause.api).label,
        code=cause.code,
        number=f"{cause.number:,}",
        pictures=formatting.pictures(cause.number),
        sentence=cause.message,
        advice=advice(cause.code, is_permanent=cause.is_permanent),
        ago=formatting.ago(cause.latest, now=now()),
        retry_url=links.with_parameters(reverse("analyze"), **retry),
    )


def _syncs(request: Request) -> list[SyncRow]:
    buckets = permissions.viewable_buckets(request.user)
    waiting = dict(
        BucketObject.objects.filter(state=BucketObject.State.WAITING, bucket__in=buckets)
        .values_list("bucket")
        .annotate(Count("pk"))
    )
    return [_sync(bucket, waiting.get(bucket.pk, 0)) for bucket in buckets]


def _sync(bucket: Bucket, waiting: int) -> SyncRow:
    started, ended = bucket.sync_started_at, bucket.sync_ended_at
    if started and not (ended and ended >= started):
        words = f"comparing since {formatting.ago(started, now=now())}"
    else:
        words = f"compared {formatting.ago(ended, now=now())}" if ended else "not compared yet"
    counted = [f"{number:,} {name}" for name, number in bucket.report.items() if isinstance(number, int) and number]
    return SyncRow(
        name=str(bucket),
        owner=str(bucket.owner),
        trouble=bucket.trouble,
        state_words=words,
        figures=[f"{waiting:,} to be read"] * bool(waiting) + counted,
        url=links.with_parameters(reverse("library"), q=f'bucket:"{bucket.name}"'),
    )
