"""Exports in the background: start, progress, file, deletion."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema
from ninja.decorators import decorate_view

from analysis import permissions, pipeline
from analysis.api import pagination
from analysis.api.authentication import READ, WRITE, token_of
from analysis.api.errors import ApiError
from analysis.api.exports import CONTENT, Confidence, FormatName, Kind, LineWidth, PaletteName
from analysis.api.idempotency import idempotent
from analysis.api.json_query import JsonQuery, query_text
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.request_body import RequestBody, RowId
from analysis.api.responses import json_response
from analysis.curation.bulk import MAX_IDS
from analysis.exports import background, datasets
from analysis.exports.annotated_picture import Position
from analysis.exports.csv_table import Column
from analysis.exports.image_rows import Source
from analysis.exports.options import stored_options
from analysis.models import Export
from analysis.search.syntax.parser import MAX_LENGTH
from analysis.web.background_exports import send_file

router = Router(tags=["Exports"])


class NewExport(RequestBody):
    """Images by ids or by a search; with a `name`, a version of a frozen dataset."""

    q: Annotated[str, Field(max_length=MAX_LENGTH)] = ""
    query: Annotated[JsonQuery | None, Field(description="A search in JSON, instead of `q`.")] = None
    image_ids: Annotated[list[RowId] | None, Field(min_length=1, max_length=MAX_IDS)] = None
    format: FormatName = "jsonl"
    labels: Source = "effective"
    min_confidence: Confidence = 0
    kinds: list[Kind] = []
    columns: Annotated[list[Column], Field(description="Columns of a CSV table. Default: all.")] = []
    line_width: LineWidth = 3
    position: Position = "top"
    palette: PaletteName = "standard"
    name: Annotated[str, Field(max_length=datasets.MAX_NAME_LENGTH)] = ""


class ExportOut(Schema):
    id: int
    state: str
    name: str
    version: int | None
    query: str
    image_ids: list[int] | None
    format: str
    written: int
    size: int | None
    sha256: str
    error: str
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    file_url: str | None


class ManifestOut(Schema):
    """A finished export, as described in its manifest on the Downloads page."""

    name: str | None
    version: int | None
    query: str | None
    selection: list[int] | None
    format: str
    options: dict[str, Any]
    images: int
    size: int
    sha256: str
    created_by: str | None
    created_at: datetime
    finished_at: datetime
    expires_at: datetime | None
    imagelib: str


class ExportList(Schema):
    items: list[ExportOut]
    next: str


@router.post("/exports", response={202: ExportOut}, auth=READ, url_name="exports")
@decorate_view(idempotent)
def start_export(request: HttpRequest, export: NewExport) -> HttpResponse:
    """Prepare a file in the background. Poll its `state` until it is `done`."""
    query = query_text(export.q, export.query)
    if export.image_ids is not None and query:
        raise ApiError(422, _("Provide either “image_ids” or “q”."), field="image_ids")
    row = Export(
        owner_id=token_of(request).user_id,
        query=query,
        image_ids=export.image_ids,
        format=export.format,
        options=stored_options(export.model_dump()),
        name=datasets.clean_name(export.name),
    )
    try:
        created = pipeline.start_export(row)
    except background.ExportRefused as error:
        raise ApiError(409, str(error)) from error
    location = request.build_absolute_uri(reverse("api-v1:export", args=[created.pk]))
    return json_response(_out(created, request).model_dump(), status=202, location=location)


@router.get("/exports", response=ExportList, auth=READ, url_name="exports")
def list_exports(
    request: HttpRequest,
    *,
    cursor: CursorParam,
    limit: LimitParam,
    name: Annotated[str, Query("", max_length=datasets.MAX_NAME_LENGTH, description="Only versions of this dataset.")],
) -> dict[str, Any]:
    """Your exports and datasets, the latest first."""
    rows = permissions.viewable_exports(request.user)
    if name:
        rows = rows.filter(name=datasets.clean_name(name))
    page, following = pagination.page_by_id(rows, cursor=cursor, limit=limit, of=f"exports {name}")
    return {"items": [_out(export, request) for export in page], "next": following}


@router.get("/exports/{int:export_id}", response=ExportOut, auth=READ, url_name="export")
def get_export(request: HttpRequest, export_id: int) -> ExportOut:
    """An export's state and progress."""
    return _out(_own(request, export_id), request)


@router.post("/exports/{int:export_id}/cancel", response=ExportOut, auth=READ)
def cancel_export(request: HttpRequest, export_id: int) -> ExportOut:
    """Cancel an export that is not finished."""
    export = _own(request, export_id)
    if not background.cancel(export):
        raise ApiError(409, _("It has already finished."))
    export.refresh_from_db()
    return _out(export, request)


@router.post("/exports/{int:export_id}/retry", response={202: ExportOut}, auth=READ)
def retry_export(request: HttpRequest, export_id: int) -> HttpResponse:
    """Start a failed or canceled export again."""
    export = _own(request, export_id)
    if not pipeline.retry_export(export):
        raise ApiError(409, _("Only failed or canceled downloads can be retried."))
    export.refresh_from_db()
    return json_response(_out(export, request).model_dump(), status=202)


@router.get("/exports/{int:export_id}/manifest", response=ManifestOut, auth=READ)
def get_manifest(request: HttpRequest, export_id: int) -> dict[str, Any]:
    """Search, options, checksum and dates of a finished export."""
    return background.manifest(_finished(request, export_id))


@router.delete("/exports/{int:export_id}", response={204: None}, auth=WRITE, url_name="export")
def delete_export(request: HttpRequest, export_id: int) -> HttpResponse:
    """Delete an export and its file."""
    background.delete(_own(request, export_id), by_id=token_of(request).user_id)
    return HttpResponse(status=204)


@router.get(
    "/exports/{int:export_id}/file",
    auth=READ,
    url_name="export-file",
    openapi_extra={
        "responses": {
            200: {"description": "The file.", "content": CONTENT},
            206: {"description": "The part that the Range header asks for.", "content": CONTENT},
            302: {"description": "A signed URL of the storage."},
            304: {"description": "Unchanged since If-None-Match."},
            416: {"description": "The range begins after the end."},
        }
    },
)
def get_export_file(request: HttpRequest, export_id: int) -> HttpResponseBase:
    """The finished file. A Range header resumes an interrupted download."""
    web_request: Any = request
    return send_file(web_request, _finished(request, export_id))


def _finished(request: HttpRequest, export_id: int) -> Export:
    export = _own(request, export_id)
    if export.state != Export.State.DONE:
        raise ApiError(409, _("The file is not ready: the export is “%(state)s”.") % {"state": export.state})
    return export


def _own(request: HttpRequest, export_id: int) -> Export:
    return get_object_or_404(permissions.viewable_exports(request.user), pk=export_id)


def _out(export: Export, request: HttpRequest) -> ExportOut:
    is_done = export.state == Export.State.DONE
    address = request.build_absolute_uri(reverse("api-v1:export-file", args=[export.pk]))
    names = ("name", "version", "query", "image_ids", "format", "written", "size", "sha256", "error")
    times = ("created_at", "finished_at", "expires_at")
    return ExportOut(
        id=export.pk,
        state=export.state,
        file_url=address if is_done else None,
        **{name: getattr(export, name) for name in (*names, *times)},
    )
