"""Exports: all images of a search in one file, streamed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Query, Router

from analysis import permissions
from analysis.api.authentication import READ, token_of
from analysis.exports import background
from analysis.exports.annotated_picture import Position
from analysis.exports.csv_table import Column
from analysis.exports.formats import FORMATS
from analysis.exports.image_rows import Source
from analysis.exports.options import MAX_CONFIDENCE, MAX_LINE_WIDTH, stored_options
from analysis.models import Export
from analysis.search import results
from analysis.search.syntax.parser import MAX_LENGTH, parse
from analysis.search.time_limit import time_limit
from analysis.web.export import stream

router = Router(tags=["Exports"])
FormatName = Literal["csv", "jsonl", "json", "coco", "names", "dynamodb", "xmp", "originals", "previews", "annotated"]
Kind = Literal["label", "celebrity", "emotion", "face", "color", "moderation", "tag"]
PaletteName = Literal["standard", "contrast", "color-blind"]
Confidence = Annotated[float, Field(ge=0, le=MAX_CONFIDENCE, description="In percent.")]
LineWidth = Annotated[
    int, Field(ge=1, le=MAX_LINE_WIDTH, description="Line width of boxes in annotated pictures, in pixels.")
]
CONTENT: dict[str, dict[str, Any]] = {entry.content_type: {} for entry in FORMATS.values()}


@router.get(
    "/export",
    auth=READ,
    openapi_extra={"responses": {200: {"description": "The file.", "content": CONTENT}}},
)
def export_images(
    request: HttpRequest,
    *,
    q: Annotated[str, Query("", max_length=MAX_LENGTH, description="A search; all images without one.")],
    format_name: Annotated[FormatName, Query("jsonl", alias="format")],
    labels: Annotated[Source, Query("effective")],
    min_confidence: Annotated[Confidence, Query(0)],
    kind: Annotated[list[Kind], Query([], description="Only labels of these kinds; can be repeated.")],
    column: Annotated[list[Column], Query([], description="Columns of a CSV table; can be repeated. Default: all.")],
    line_width: Annotated[LineWidth, Query(3)],
    position: Annotated[Position, Query("top", description="Position of label names at their boxes.")],
    palette: Annotated[PaletteName, Query("standard")],
) -> HttpResponseBase:
    """All images of a search with their labels, the newest first, in one file.

    The file is written while it is sent. If that fails, the connection is closed, so a partial file cannot look
    complete.
    """
    query, viewer = parse(q), permissions.viewer_of(request.user)
    with time_limit():  # so that a slow search fails before the response begins
        results.count(query, viewer=viewer)
    values = {"labels": labels, "min_confidence": min_confidence, "kinds": kind, "columns": column}
    style = {"line_width": line_width, "position": position, "palette": palette}
    options = stored_options(values | style)
    export = Export(owner_id=token_of(request).user_id, query=q, format=format_name, options=options)
    web_request: Any = request
    rows = background.rows_of(export, viewer)
    return stream(web_request, FORMATS[format_name], background.content_of(export, rows))
