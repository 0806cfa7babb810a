"""Bulk runs: estimate, start within the token's limit, progress and control."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import ROUND_UP, Decimal
from typing import Annotated, Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Field, Router

from analysis import permissions, pipeline
from analysis.api import idempotency, pagination, token_budget
from analysis.api.authentication import ANALYZE, READ, token_of
from analysis.api.batch_resource import BatchList, BatchOut, EstimateOut, batch_out, estimate_out
from analysis.api.errors import ApiError
from analysis.api.idempotency import HEADER
from analysis.api.json_query import JsonQuery, query_text
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.request_body import RequestBody, RowId
from analysis.api.responses import json_response
from analysis.batches import authorization, lifecycle
from analysis.batches.estimate import Estimate, estimate_unsaved
from analysis.batches.options import build_batch
from analysis.batches.progress import progress_of
from analysis.curation.bulk import MAX_IDS
from analysis.formatting import CENT, count, dollars
from analysis.models import Batch
from analysis.search.syntax.parser import MAX_LENGTH
from analysis.search.time_limit import time_limit

router = Router(tags=["Bulk runs"])
MAX_ESTIMATED = 10_000
"""Pictures examined for an estimate; a larger selection is estimated from the first ones."""
REQUESTED = ("query", "scope", "uses_id_list", "apis", "is_forced", "all_owners")
"""Values of a run by which a repeated request is recognized."""
ApiName = Literal["labels", "faces", "celebrities", "text", "moderation"]
# Not strict, since JSON has no decimals: amounts are numbers or strings.
Dollars = Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=6, strict=False)]


class BatchRequest(RequestBody):
    """The images to analyze, by ids or by a search, and the options."""

    image_ids: Annotated[list[RowId] | None, Field(max_length=MAX_IDS)] = None
    q: Annotated[str, Field(max_length=MAX_LENGTH)] = ""
    query: Annotated[JsonQuery | None, Field(description="A search in JSON, instead of `q`.")] = None
    apis: list[ApiName] | None = None
    scope: Literal["all", "missing", "failed"] = "all"
    force: bool = False
    everybody: bool = False


class BatchStart(BatchRequest):
    """A run to start.

    `budget` is in US dollars, by default the estimate's, and at most what the token may still spend.
    """

    budget: Dollars | None = None


@router.post("/batches/estimate", response=EstimateOut, auth=ANALYZE)
def estimate_batch(request: HttpRequest, options: BatchRequest) -> EstimateOut:
    """Estimate the cost of a run, without starting it."""
    batch, ids = _batch(request, options)
    with time_limit():
        estimate = estimate_unsaved(batch, named=ids, maximum=MAX_ESTIMATED)
    return estimate_out(batch, estimate, token_remaining=token_budget.remaining(token_of(request)))


@router.post("/batches", response={202: BatchOut}, auth=ANALYZE, url_name="batches")
def start_batch(request: HttpRequest, options: BatchStart) -> HttpResponse:
    """Start a run.

    If repeated with the same Idempotency-Key, it returns the run that was started the first time.
    """
    batch, ids = _batch(request, options)
    with time_limit():
        estimate = estimate_unsaved(batch, named=ids, maximum=MAX_ESTIMATED)
    if options.budget is None and not estimate.is_complete:
        # An estimate of the first part cannot be the budget of all, since the run would stop halfway.
        message = _("For more than %(number)s images, provide a “budget” in US dollars.")
        raise ApiError(422, message % {"number": count(MAX_ESTIMATED)}, field="budget")
    batch.expected = estimate.analyses if estimate.is_complete else None
    with transaction.atomic():
        # Locked before the lookup of an earlier start, so that the second of two equal requests waits and finds the
        # first.
        token = token_budget.lock(token_of(request))
        started = _earlier_start(request, batch, ids)
        if started is None:
            batch.budget = _budget(options.budget, estimate, remaining=token_budget.remaining(token))
            batch.api_token = token
            started, _is_first = pipeline.start_once(batch, token=str(_start_token(request)), named=ids)
    [progress] = progress_of([started])
    location = request.build_absolute_uri(reverse("api-v1:batch", args=[started.pk]))
    # 202 instead of 201, since the run exists but its analyses follow.
    return json_response(batch_out(progress).model_dump(), status=202, location=location)


@router.get("/batches", response=BatchList, auth=READ, url_name="batches")
def list_batches(request: HttpRequest, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """Your runs, the latest first; all runs for staff with permission."""
    runs = permissions.viewable_batches(request.user)
    page, following = pagination.page_by_id(runs, cursor=cursor, limit=limit, of="batches")
    return {"items": [batch_out(progress) for progress in progress_of(page)], "next": following}


@router.get("/batches/{int:batch_id}", response=BatchOut, auth=READ, url_name="batch")
def get_batch(request: HttpRequest, batch_id: int) -> BatchOut:
    """A run's progress."""
    return _current(_visible_batch(request, batch_id))


@router.post("/batches/{int:batch_id}/pause", response=BatchOut, auth=ANALYZE)
def pause_batch(request: HttpRequest, batch_id: int) -> BatchOut:
    """Pause a run; calls in progress finish."""
    batch = _own_batch(request, batch_id)
    if not lifecycle.pause(batch.pk):
        raise ApiError(409, _("Bulk run %(number)s wasn't running.") % {"number": batch.pk})
    return _current(batch)


@router.post("/batches/{int:batch_id}/resume", response=BatchOut, auth=ANALYZE)
def resume_batch(request: HttpRequest, batch_id: int) -> BatchOut:
    """Resume a paused run within its budget.

    If another token started it, its costs count against this one from now on.
    """
    batch = _own_batch(request, batch_id)
    with transaction.atomic():
        token = token_budget.lock(token_of(request))
        if batch.api_token_id != token.pk:
            _adopt(batch, token.pk, remaining=token_budget.remaining(token))
        if not pipeline.resume_batch(batch.pk):
            raise ApiError(409, _("Bulk run %(number)s wasn't paused or stopped.") % {"number": batch.pk})
    return _current(batch)


@router.post("/batches/{int:batch_id}/cancel", response=BatchOut, auth=ANALYZE)
def cancel_batch(request: HttpRequest, batch_id: int) -> BatchOut:
    """Cancel a run; its results so far are kept."""
    batch = _own_batch(request, batch_id)
    if not lifecycle.cancel(batch.pk):
        raise ApiError(409, _("Bulk run %(number)s had already ended.") % {"number": batch.pk})
    return _current(batch)


def _batch(request: HttpRequest, options: BatchRequest) -> tuple[Batch, tuple[int, ...]]:
    """The requested run, not saved, and its listed images."""
    query = query_text(options.q, options.query)
    if options.image_ids is not None and query:
        raise ApiError(422, _("Provide either “image_ids” or “q”."), field="image_ids")
    if options.image_ids == []:
        raise ApiError(422, _("Provide at least one image."), field="image_ids")
    permissions.require_analyze_images(request.user)
    batch = build_batch(
        query=query,
        scope=options.scope,
        apis=options.apis,
        is_forced=options.force,
        uses_id_list=options.image_ids is not None,
        person_id=request.user.pk,
        all_owners=options.everybody,
    )
    authorization.require(batch)
    return batch, tuple(options.image_ids or ())


def _budget(requested: Decimal | None, estimate: Estimate, *, remaining: Decimal) -> Decimal:
    """The run's budget. Raises ApiError if the token may not spend that much."""
    budget = estimate.dollars.quantize(CENT, rounding=ROUND_UP) if requested is None else requested
    if budget > remaining:
        message = _(
            "This run may cost %(budget)s, but this token can only spend %(remaining)s more. Set a smaller budget."
        )
        raise ApiError(403, message % {"budget": dollars(budget), "remaining": dollars(remaining)}, field="budget")
    return budget


def _adopt(batch: Batch, token_id: int, *, remaining: Decimal) -> None:
    """Count the remaining cost of a run against this token. Raises ApiError."""
    if batch.budget is None or batch.budget - batch.dollars > remaining:
        raise ApiError(
            403,
            _("Resuming this run may cost more than this token can still spend: %(remaining)s.")
            % {"remaining": dollars(remaining)},
        )
    Batch.objects.filter(pk=batch.pk).update(api_token=token_id)


def _earlier_start(request: HttpRequest, batch: Batch, ids: Sequence[int]) -> Batch | None:
    """The run that a request with the same Idempotency-Key has started.

    Raises ApiError if it was a request for another run.
    """
    if not request.headers.get(HEADER):
        return None
    started = Batch.objects.filter(token=_start_token(request), api_token=token_of(request)).first()
    if started is not None:
        is_same = all(getattr(started, name) == getattr(batch, name) for name in REQUESTED)
        if not is_same or set(started.named.values_list("image_id", flat=True)) != set(ids):
            raise ApiError(422, idempotency.other_request(), field=HEADER)
    return started


def _start_token(request: HttpRequest) -> uuid.UUID:
    """The one-time token of a start, derived from the Idempotency-Key if any."""
    key = request.headers.get(HEADER, "")
    # Stored with the run instead of the table of Idempotency-Key, so that no crash can separate them.
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{token_of(request).pk} {key}") if key else uuid.uuid4()


def _visible_batch(request: HttpRequest, batch_id: int) -> Batch:
    return get_object_or_404(permissions.viewable_batches(request.user), pk=batch_id)


def _own_batch(request: HttpRequest, batch_id: int) -> Batch:
    batch = _visible_batch(request, batch_id)
    if not permissions.can_control_batch(request.user, batch):
        raise PermissionDenied(_("This run was started by someone else. You can view it, but not change it."))
    return batch


def _current(batch: Batch) -> BatchOut:
    batch.refresh_from_db()
    [progress] = progress_of([batch])
    return batch_out(progress)
