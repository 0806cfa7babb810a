"""Exports: all images of a search in one file, streamed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router

from analysis import permissions
from analysis.api.authentication import READ
from analysis.exports.formats import FORMATS, write
from analysis.exports.image_rows import Options, image_rows
from analysis.models import Label
from analysis.search import results
from analysis.search.syntax.parser import MAX_LENGTH, parse
from analysis.search.time_limit import time_limit
from analysis.web.export import stream

router = Router(tags=["Exports"])
FormatName = Literal["csv", "jsonl", "json", "coco", "names", "dynamodb", "xmp", "originals", "annotated"]
Kind = Literal["label", "celebrity", "emotion", "face", "color", "moderation", "tag"]
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
    labels: Annotated[Literal["effective", "machine", "person"], Query("effective")],
    min_confidence: Annotated[float, Query(0, ge=0, le=100, description="In percent.")],
    kind: Annotated[Kind | None, Query(None, description="Only labels of this kind.")],
) -> HttpResponseBase:
    """All images of a search with their labels, the newest first, in one file.

    The file is written while it is sent. If it breaks off, the connection does too, so that no half file looks whole.
    """
    entry, query, viewer = FORMATS[format_name], parse(q), permissions.viewer_of(request.user)
    with time_limit():  # a search that is too slow is refused before the response begins
        results.count(query, viewer=viewer)
    kinds = frozenset({Label.Kind(kind).value}) if kind else frozenset[str]()
    options = Options(labels, min_confidence, kinds)
    web_request: Any = request
    rows = image_rows(query, viewer=viewer, options=options, has_boxes=entry.has_boxes)
    return stream(web_request, entry, write(entry, rows))
