"""Rows of bulk runs for the activity page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting, permissions
from analysis.batches.batch_images import failed_images
from analysis.batches.progress import Progress, progress_of
from analysis.models import Analysis, Batch
from analysis.web import links
from analysis.web.http import Request

State = Batch.State
FINISHED_STATES = (State.DONE, State.CANCELLED)
MAX_ACTIVE, MAX_FINISHED = 50, 20
MAX_RETRY_IDS = 200
"""Up to this number a run's retry form contains ids; with more, every poll would load a large page."""
STARTED_AT_ONCE = timedelta(minutes=1)


@dataclass(frozen=True)
class RetryForm:
    """Retry of failed pictures: a form with `ids`, or a link to a search for many."""

    ids: str
    label: str
    url: str
    apis: list[str]
    all_owners: bool


@dataclass(frozen=True)
class BatchRow:
    """A bulk run for the template; `maximum` is empty while the total is unknown."""

    id: str
    title: str
    note: str
    state: str
    state_label: str
    has_failures: bool
    reason: str
    ended: str
    maximum: str
    counts: list[str]
    figures: list[str]
    url: str
    time: str
    exact: str
    budget: str
    can_change: bool
    retry: RetryForm | None


def batch_rows(request: Request, batches: QuerySet[Batch], *, now: datetime) -> tuple[list[BatchRow], bool]:
    """Active runs, then the latest finished ones, and True if any is in progress."""
    active = batches.exclude(state__in=FINISHED_STATES).order_by("-pk")[:MAX_ACTIVE]
    finished = batches.filter(state__in=FINISHED_STATES).order_by("-finished_at")[:MAX_FINISHED]
    progresses = progress_of([*active, *finished])
    # Finished runs only: the failures of an active run are incomplete, and the page is polled while it lasts.
    failed = [progress.batch.pk for progress in progresses if progress.failed and progress.batch.finished_at]
    images = failed_images(failed, limit=MAX_RETRY_IDS + 1) if failed else {}
    rows = [batch_row(request, progress, now, images.get(progress.batch.pk, [])) for progress in progresses]
    return rows, any(progress.batch.state == State.RUNNING or progress.running for progress in progresses)


def batch_row(request: Request, progress: Progress, now: datetime, failed: list[int] | None = None) -> BatchRow:
    run = progress.batch
    moment = run.finished_at or run.started_at
    ended_or_started = _("Ended %(ago)s") if run.finished_at else _("Started %(ago)s")
    can_change = permissions.can_control_batch(request.user, run) and not progress.is_ending
    can_retry = can_change and permissions.can_analyze_images(request.user)
    return BatchRow(
        id=str(run.pk),
        title=_title(run),
        note=_note(run),
        state=run.state,
        state_label=_state_label(progress),
        has_failures=run.state == State.DONE and progress.failed > 0,
        reason=run.reason,
        ended=str(progress.ended),
        maximum=str(progress.total) if progress.total is not None else "",
        counts=_counts(progress),
        figures=_figures(progress, now),
        url=reverse("batch", args=[run.pk]),
        time=ended_or_started % {"ago": formatting.ago(moment, now=now)},
        exact=formatting.exact(moment),
        # For a number field, which accepts neither thousands separators nor the exponent that normalize() gives to 20
        # ("2E+1").
        budget=f"{run.budget.normalize():f}" if run.budget is not None else "",
        can_change=can_change,
        retry=_retry_form(request, run, failed) if failed and can_retry else None,
    )


def _state_label(progress: Progress) -> str:
    if progress.is_ending:
        return _("Finishing")
    if progress.batch.state != State.DONE:
        return str(progress.batch.get_state_display())
    if not progress.failed:
        return _("Finished")
    text = ngettext("Finished, %(number)s failed", "Finished, %(number)s failed", progress.failed)
    return formatting.plural(text, progress.failed)


def _retry_form(request: Request, run: Batch, failed: list[int]) -> RetryForm:
    is_partial = len(failed) > MAX_RETRY_IDS
    all_owners = permissions.can_analyze_all_images(request.user) and (
        run.all_owners or run.person_id != request.user.pk
    )
    query = "is:failed" if run.uses_id_list else f"{run.query} is:failed".strip()
    parameters = {"q": query, "scope": Batch.Scope.FAILED.value, "everybody": "1" if all_owners else ""}
    return RetryForm(
        ids="" if is_partial else ",".join(map(str, failed)),
        label=_("Retry failed")
        if is_partial
        else _("Retry %(pictures)s") % {"pictures": formatting.pictures(len(failed))},
        url=links.with_parameters(reverse("analyze"), **parameters) if is_partial else "",
        apis=run.apis,
        all_owners=all_owners,
    )


def _title(run: Batch) -> str:
    if run.uses_id_list:
        return _("Sample") if run.is_sample else _("Selected pictures")
    return run.query or (_("All pictures") if run.all_owners else _("All my pictures"))


def _note(run: Batch) -> str:
    """Scope, APIs and the user who started it."""
    scope = {
        Batch.Scope.MISSING: _("not yet analyzed"),
        Batch.Scope.FAILED: _("failed with %(code)s") % {"code": run.error_code} if run.error_code else _("failed"),
        Batch.Scope.OUTDATED: _("analyzed by an older model"),
    }.get(Batch.Scope(run.scope), "")
    apis = ", ".join(str(Analysis.Api(api).label) for api in run.apis if api in Analysis.Api.values)
    if run.person:
        started_by = _("by %(person)s") % {"person": run.person}
    else:
        started_by = _("by a deleted account") if run.is_orphaned else _("from the command line")
    return " · ".join(filter(None, [scope, apis, _("re-run") if run.is_forced else "", started_by]))


def _counts(progress: Progress) -> list[str]:
    ended = {"ended": formatting.count(progress.ended)}
    if progress.total is None:
        counts = [_("%(ended)s so far") % ended]
    else:
        counts = [_("%(ended)s of %(total)s") % {**ended, "total": formatting.count(progress.total)}]
    if progress.failed:
        counts.append(_("%(number)s failed") % {"number": formatting.count(progress.failed)})
    if progress.reused:
        counts.append(_("%(number)s from cache") % {"number": formatting.count(progress.reused)})
    return counts


def _figures(progress: Progress, now: datetime) -> list[str]:
    run, figures = progress.batch, []
    if run.state == State.RUNNING and not progress.is_ending:
        figures += _speed(progress, now)
    if run.budget is not None:
        amounts = {"spent": formatting.dollars(progress.dollars), "budget": formatting.dollars(run.budget)}
        figures.append(_("%(spent)s of %(budget)s") % amounts)
    elif progress.dollars:
        figures.append(formatting.dollars(progress.dollars))
    return figures


def _speed(progress: Progress, now: datetime) -> list[str]:
    """Analyses per second and the time left."""
    rate = _rate(progress, now)
    if not rate:
        return [_("Estimating time left…")]
    speed = [_("%(number)s per second") % {"number": number_format(round(rate, 1), decimal_pos=1)}]
    if progress.total is not None:
        left = formatting.duration(max(progress.total - progress.ended, 0) / rate)
        speed.append(_("%(duration)s left") % {"duration": left})
    return speed


def _rate(progress: Progress, now: datetime) -> float:
    """Analyses per second: the measured rate, or at first the average since the start."""
    run = progress.batch
    # After a pause the average would include analyses from before it and be far too high.
    if run.pace or run.changed_at - run.started_at > STARTED_AT_ONCE:
        return run.pace
    return progress.ended / max((now - run.started_at).total_seconds(), 1)
