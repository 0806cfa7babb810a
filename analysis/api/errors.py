"""Errors of the API, all as problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

from analysis import formatting
from analysis.batches.authorization import NotAllowed
from analysis.batches.options import InvalidBatchOptions
from analysis.curation.errors import ActionRefused
from analysis.delivery.alerts import AlertRefused
from analysis.delivery.sinks import SinkRefused
from analysis.ingest.validation import InvalidImage
from analysis.library.uploads import UploadRefused
from analysis.search.syntax.parser import InvalidQuery
from analysis.storage.blobs import StorageError

CONTENT_TYPE = "application/problem+json"
MAX_FIELD_ERRORS = 20


class FieldError(Schema):
    """An invalid field; `field` is its path in the body or the name of the parameter."""

    field: str
    message: str


class Problem(Schema):
    """Why a request failed."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class ApiError(Exception):
    """A request that fails with this status; `field` is the invalid field, if any."""

    def __init__(self, status: int, detail: str, *, field: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.headers = status, detail, field, headers


def problem(
    status: int, detail: str, *, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The response of a failed request."""
    # `type` stays about:blank, which in RFC 9457 means no more than the status; `errors` is our extension.
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    return JsonResponse(body.model_dump(), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))


def field_problem(status: int, field: str, message: str) -> HttpResponse:
    return problem(status, message, errors=[FieldError(field=field, message=message)])


def add_handlers(api: NinjaAPI) -> None:
    """Convert exceptions of ninja, Django and our own packages to problems."""
    for kind, respond in RESPONSES.items():
        api.add_exception_handler(kind, partial(_respond, respond))


def _respond(respond: Callable[[Any], HttpResponse], _request: HttpRequest, error: Any) -> HttpResponse:
    return respond(error)


def not_found() -> str:
    """The error for missing and for hidden objects, which is the same."""
    return _("Not found, or this token has no access to it.")


def response_of(error: ApiError) -> HttpResponse:
    errors = [FieldError(field=error.field, message=error.detail)] if error.field else []
    return problem(error.status, error.detail, errors=errors, headers=error.headers)


def detail_of(error: Exception) -> str:
    """The sentence of an exception in RESPONSES."""
    respond = next(respond for kind, respond in RESPONSES.items() if isinstance(error, kind))
    return str(json.loads(respond(error).content)["detail"])


def _validation_problem(error: ValidationError) -> HttpResponse:
    # Without pydantic's `input`, which would repeat the request: a password in a wrong field, or megabytes.
    errors = [FieldError(field=_path(entry["loc"]), message=str(entry["msg"])) for entry in error.errors]
    first = errors[0] if errors else FieldError(field="", message=_("The request is invalid."))
    return problem(
        422, f"{first.field}: {first.message}" if first.field else first.message, errors=errors[:MAX_FIELD_ERRORS]
    )


def _path(location: Sequence[object]) -> str:
    """The path of an invalid field as the caller knows it.

    `("body", "data", "apis", 0)` becomes `apis.0`, since ninja's names for parts of a body mean nothing to callers.
    """
    parts = [str(part) for part in location]
    if parts[:1] in (["body"], ["form"], ["file"]) and len(parts) > 2:
        parts = parts[2:]
    elif len(parts) > 1:
        parts = parts[1:]
    return ".".join(parts)


RESPONSES: dict[type[Exception], Callable[[Any], HttpResponse]] = {
    ApiError: response_of,
    ValidationError: _validation_problem,
    HttpError: lambda error: problem(error.status_code, str(error)),
    Http404: lambda _error: problem(404, not_found()),
    PermissionDenied: lambda error: problem(403, str(error) or _("Your account doesn't have permission to do this.")),
    NotAllowed: lambda error: problem(403, str(error)),
    InvalidQuery: lambda error: field_problem(422, "q", str(error)),
    InvalidBatchOptions: lambda error: problem(422, str(error)),
    InvalidImage: lambda error: field_problem(422, "file", formatting.translated(error)),
    UploadRefused: lambda error: problem(error.status, str(error)),
    AlertRefused: lambda error: (
        field_problem(422, error.field, str(error)) if error.field else problem(409, str(error))
    ),
    ActionRefused: lambda error: problem(409, str(error)),
    SinkRefused: lambda error: problem(409, str(error)),
    StorageError: lambda error: problem(507, str(error)),
}
"""The response to each exception. Others are bugs, which Django reports."""
