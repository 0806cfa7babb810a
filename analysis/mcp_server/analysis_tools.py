"""Tools for analyses: estimate, start within the token's limit, progress."""

from __future__ import annotations

import copy
import json
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field

from analysis.api import batches
from analysis.api.batches import BatchRequest, BatchStart
from analysis.api.idempotency import HEADER, MAX_KEY_LENGTH
from analysis.api.request_body import RequestBody, RowId
from analysis.mcp_server.tool import Tool, ToolResult
from imagelib.accounts.models import ApiToken


class StartArguments(BatchStart):
    """A run to start.

    `budget` is in US dollars, at most what the token may still spend.
    """

    key: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_KEY_LENGTH,
            pattern=r"^[\x21-\x7e]+$",
            description="A new text for each run. A call repeated with the same key starts nothing twice.",
        ),
    ]


class RunArguments(RequestBody):
    batch_id: RowId


def estimate_analysis(request: HttpRequest, arguments: BatchRequest) -> ToolResult:
    return ToolResult(batches.estimate_batch(request, arguments).model_dump(mode="json"))


def start_analysis(request: HttpRequest, arguments: StartArguments) -> ToolResult:
    options = BatchStart.model_construct(**{name: getattr(arguments, name) for name in BatchStart.model_fields})
    return ToolResult(json.loads(batches.start_batch(_with_key(request, arguments.key), options).content))


def _with_key(request: HttpRequest, key: str) -> HttpRequest:
    """The request with this Idempotency-Key."""
    keyed = copy.copy(request)
    keyed.META = {**request.META, "HTTP_" + HEADER.upper().replace("-", "_"): key}
    keyed.__dict__.pop("headers", None)  # Django caches headers made from META
    return keyed


def get_analysis_run(request: HttpRequest, arguments: RunArguments) -> ToolResult:
    return ToolResult(batches.get_batch(request, arguments.batch_id).model_dump(mode="json"))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "estimate_analysis",
        "What analyzing pictures would cost, named by ids or found by a search, and what the token may still spend.",
        BatchRequest,
        ApiToken.Scope.ANALYZE,
        estimate_analysis,
    ),
    Tool(
        "start_analysis",
        "Analyze pictures, which costs money. Refused beyond the token's spending limit. Show the estimate to a person "
        "first.",
        StartArguments,
        ApiToken.Scope.ANALYZE,
        start_analysis,
        is_read_only=False,
    ),
    Tool(
        "get_analysis_run",
        "The progress and cost of a run that was started.",
        RunArguments,
        ApiToken.Scope.READ,
        get_analysis_run,
    ),
)
