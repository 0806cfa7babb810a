"""Activity page: bulk runs, failures by cause and bucket syncs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.batches import lifecycle
from analysis.batches.authorization import NotAllowed
from analysis.batches.batch_images import images_of
from analysis.batches.options import InvalidBatchOptions
from analysis.batches.progress import progress_of
from analysis.models import Analysis, Batch, Bucket, BucketObject
from analysis.search.sensitive import sensitive_ids
from analysis.statistics.failures import SCAN_LIMIT, Cause, failures
from analysis.web import links, sensitive, toasts
from analysis.web.batch_rows import batch_row, batch_rows
from analysis.web.bucket_report import report_figures
from analysis.web.budget_field import parse_budget
from analysis.web.http import Request, current_user_id, int_param, is_fragment
from analysis.web.library.cards import cards
from analysis.web.retry_advice import advice
from analysis.web.toasts import Toast

IMAGES_PER_PAGE = 100


@dataclass(frozen=True)
class FailureRow:
    """A cause of failures and its advice; `retry_url` opens the estimate of a retry."""

    api: str
    code: str
    number: str
    pictures: str
    sentence: str
    advice: str
    ago: str
    retry_label: str
    retry_url: str


@dataclass(frozen=True)
class SyncRow:
    name: str
    owner: str
    last_error: str
    state_label: str
    figures: list[str]
    url: str


@require_safe
def activity(request: Request) -> HttpResponse:
    """The user's bulk runs and failures; for staff, everyone's.

    As a fragment only the two panels that change during a run, so that they never contradict each other.
    """
    batches = permissions.viewable_batches(request.user)
    rows, is_active = batch_rows(request, batches, now=now())
    sees_all = permissions.can_view_all_failures(request.user)
    result = failures(person_id=None if sees_all else current_user_id(request))
    context = {
        "rows": rows,
        "is_active": is_active,
        "is_staff": permissions.can_view_system(request.user),
        "has_deliveries": permissions.viewable_deliveries(request.user).exists(),
        "failures": [_failure_row(cause, all_owners=sees_all) for cause in result.causes],
        "failure_limit": "" if result.is_complete else formatting.count(SCAN_LIMIT),
    }
    if is_fragment(request):
        return render(request, "activity.html#updates", context | {"is_update": True})
    context |= {"syncs": _sync_rows(request), "toasts": toasts.take_toasts(request)}
    return render(request, "activity.html", context)


@require_safe
def batch(request: Request, batch_id: int) -> HttpResponse:
    """Pictures of a bulk run that the user may see, newest first, a page at a time."""
    run = get_object_or_404(permissions.viewable_batches(request.user), pk=batch_id)
    before = int_param(request.GET.get("before", ""), maximum=2**62, minimum=0)
    # A run over all owners may include pictures that the user who started it can no longer see.
    visible = images_of(run) & permissions.viewable_images(request.user)
    images = visible.filter(trashed_at=None)
    if before:
        images = images.filter(pk__lt=before)
    # Fetching one row more than is shown tells whether there is a next page, without counting a million rows.
    rows = list(images.order_by("-pk")[: IMAGES_PER_PAGE + 1])
    page = rows[:IMAGES_PER_PAGE]
    address = reverse("batch", args=[run.pk])
    blurred = frozenset() if sensitive.shows_sensitive(request) else sensitive_ids([image.pk for image in page])
    context = {
        "row": batch_row(request, progress_of([run])[0], now()),
        "cards": cards(page, sensitive=blurred),
        "more_url": links.with_parameters(address, before=page[-1].pk) if len(rows) > IMAGES_PER_PAGE else "",
    }
    return render(request, "batch.html", context)


@require_POST
def batch_action(request: Request, batch_id: int, action: str) -> HttpResponse:
    """Pause, resume or cancel a run that the user may change."""
    # 404, not 400: the action is part of the URL.
    if action not in ACTIONS:
        raise Http404
    run = get_object_or_404(permissions.viewable_batches(request.user), pk=batch_id)
    if not permissions.can_control_batch(request.user, run):
        raise PermissionDenied(_("This run was started by someone else. You can view it, but not change it."))
    try:
        is_done = ACTIONS[action](run, request)
    except (InvalidBatchOptions, NotAllowed) as error:
        toasts.add_toast(request, Toast(str(error)))
    else:
        message = DONE_MESSAGES[action] if is_done else UNCHANGED_MESSAGES[action]
        toasts.add_toast(request, Toast(str(message) % {"number": batch_id}))
    return redirect("activity")


def _resume(run: Batch, request: Request) -> bool:
    return pipeline.resume_batch(run.pk, budget=parse_budget(request.POST.get("budget", "")))


ACTIONS: dict[str, Callable[[Batch, Request], bool]] = {
    "pause": lambda run, _request: lifecycle.pause(run.pk),
    "resume": _resume,
    "cancel": lambda run, _request: lifecycle.cancel(run.pk),
}
DONE_MESSAGES = {
    "pause": gettext_lazy("Bulk run %(number)s is paused. Analyses in progress will finish."),
    "resume": gettext_lazy("Bulk run %(number)s is running again."),
    "cancel": gettext_lazy("Bulk run %(number)s is canceled. Results so far are kept."),
}
UNCHANGED_MESSAGES = {
    "pause": gettext_lazy("Bulk run %(number)s wasn't running."),
    "resume": gettext_lazy("Bulk run %(number)s wasn't paused or stopped."),
    "cancel": gettext_lazy("Bulk run %(number)s had already ended."),
}


def _failure_row(cause: Cause, *, all_owners: bool) -> FailureRow:
    retry = {"q": "is:failed", "scope": Batch.Scope.FAILED.value, "code": cause.code, "api": cause.api}
    if all_owners:
        retry["everybody"] = "1"
    number = formatting.count(cause.number)
    return FailureRow(
        api=str(Analysis.Api(cause.api).label),
        code=cause.code,
        number=number,
        pictures=formatting.pictures(cause.number),
        sentence=cause.message,
        advice=advice(cause.code, is_permanent=cause.is_permanent),
        ago=formatting.ago(cause.latest, now=now()),
        retry_label=_("Retry %(number)s") % {"number": number},
        retry_url=links.with_parameters(reverse("analyze"), **retry),
    )


def _sync_rows(request: Request) -> list[SyncRow]:
    buckets = permissions.viewable_buckets(request.user)
    pending = dict(
        BucketObject.objects.filter(state=BucketObject.State.WAITING, bucket__in=buckets)
        .values_list("bucket")
        .annotate(Count("pk"))
    )
    return [_sync_row(bucket, pending.get(bucket.pk, 0)) for bucket in buckets]


def _sync_row(bucket: Bucket, pending: int) -> SyncRow:
    figures = report_figures(bucket.report)
    if pending:
        figures.insert(0, _("%(number)s to import") % {"number": formatting.count(pending)})
    return SyncRow(
        name=str(bucket),
        owner=str(bucket.owner),
        last_error=bucket.last_error,
        state_label=_sync_label(bucket),
        figures=figures,
        url=links.with_parameters(reverse("library"), q=f'bucket:"{bucket.name}"'),
    )


def _sync_label(bucket: Bucket) -> str:
    started, ended = bucket.sync_started_at, bucket.sync_ended_at
    if started and not (ended and ended >= started):
        return _("syncing, started %(ago)s") % {"ago": formatting.ago(started, now=now())}
    return _("synced %(ago)s") % {"ago": formatting.ago(ended, now=now())} if ended else _("never synced")
