"""Analyses of images that the user may edit: estimate, request, responses."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from analysis import permissions
from analysis.api import batches, pagination
from analysis.api.authentication import ANALYZE, READ
from analysis.api.batch_resource import BatchOut, EstimateOut
from analysis.api.batches import ApiName, Dollars
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.request_body import MAX_ID, RequestBody, RowId
from analysis.models import Analysis

router = Router(tags=["Analyses"])


class AnalysisOut(Schema):
    """One request to one API about one image. `price` in US dollars."""

    id: int
    image_id: int
    api: str
    state: str
    recognizer: str
    model_version: str
    parameters: dict[str, Any]
    is_current: bool
    is_pinned: bool
    requested_at: datetime
    finished_at: datetime | None
    latency_ms: int | None
    price: Decimal | None
    error_code: str
    error_message: str
    batch_id: int | None


class AnalysisDetail(AnalysisOut):
    """With the response, as received."""

    response: Any


class AnalysisList(Schema):
    items: list[AnalysisOut]
    next: str


class AnalysisRequest(RequestBody):
    """One image to analyze. `force`: even if there is a result, which costs again."""

    image_id: RowId
    apis: Annotated[list[ApiName] | None, Field(description="Default: all that are enabled.")] = None
    force: bool = False


class AnalysisStart(AnalysisRequest):
    """`budget` in US dollars, by default the estimate's."""

    budget: Dollars | None = None


@router.post("/analyses/estimate", response=EstimateOut, auth=ANALYZE)
def estimate_analysis(request: HttpRequest, analysis: AnalysisRequest) -> EstimateOut:
    """Estimate the cost of an analysis, without requesting it."""
    return batches.estimate_batch(request, batches.BatchRequest(**_options(request, analysis)))


@router.post("/analyses", response={202: BatchOut}, auth=ANALYZE)
def request_analysis(request: HttpRequest, analysis: AnalysisStart) -> HttpResponse:
    """Analyze one image, as a separate run within the token's spending limit.

    `GET /analyses?batch=` has the run's analyses. If repeated with the same Idempotency-Key, it returns the first run.
    """
    options = batches.BatchStart(**_options(request, analysis), budget=analysis.budget)
    return batches.start_batch(request, options)


@router.get("/analyses", response=AnalysisList, auth=READ)
def list_analyses(
    request: HttpRequest,
    *,
    cursor: CursorParam,
    limit: LimitParam,
    image: Annotated[int | None, Query(None, ge=1, le=MAX_ID, description="Only of this image.")],
    batch: Annotated[int | None, Query(None, ge=1, le=MAX_ID, description="Only of this bulk run.")],
    state: Annotated[Literal["", "queued", "running", "done", "failed", "paused"], Query("")],
) -> dict[str, Any]:
    """Analyses of your own images, the latest first."""
    analyses = Analysis.objects.filter(image__in=permissions.editable_images(request.user)).defer("answer")
    if image is not None:
        analyses = analyses.filter(image=image)
    if batch is not None:
        analyses = analyses.filter(batch=batch)
    if state:
        analyses = analyses.filter(state=state)
    page, following = pagination.page_by_id(analyses, cursor=cursor, limit=limit, of="analyses")
    return {"items": page, "next": following}


@router.get("/analyses/{int:analysis_id}", response=AnalysisDetail, auth=READ)
def get_analysis(request: HttpRequest, analysis_id: int) -> dict[str, Any]:
    """One analysis with the recognizer's response, unchanged."""
    analyses = Analysis.objects.filter(image__in=permissions.editable_images(request.user))
    analysis = analyses.filter(pk=analysis_id).first()
    if analysis is None:
        raise Http404
    return AnalysisOut.from_orm(analysis).dict() | {"response": analysis.answer}


def _options(request: HttpRequest, analysis: AnalysisRequest) -> dict[str, Any]:
    """The run of one image. Raises Http404, PermissionDenied."""
    image = permissions.get_image_or_404(request.user, analysis.image_id)
    permissions.require_edit_image(request.user, image)
    return {"image_ids": [image.pk], "apis": analysis.apis, "force": analysis.force}
