"""Converts errors of other middleware, and of pages' views, to problem details."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from analysis.api import errors

PATH = "/api/v1/"
Handler = Callable[[HttpRequest], HttpResponseBase]


def problems(get_response: Handler) -> Handler:
    """Middleware that converts errors in text, HTML or pictures to problems.

    For example for a body that is too large, or for a bug.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_error = request.path_info.startswith(PATH) and response.status_code >= HTTPStatus.BAD_REQUEST
        if is_error and isinstance(response, HttpResponse) and (detail := _detail(response)):
            # Only the body is replaced, since headers such as RateLimit-Remaining stay true.
            response.content = errors.problem(response.status_code, detail).content
            response["Content-Type"] = errors.CONTENT_TYPE
        return response

    return middleware


def _detail(response: HttpResponse) -> str:
    """The sentence of an error; empty if it is a problem already."""
    content_type = response.get("Content-Type", "")
    if content_type == errors.CONTENT_TYPE:
        return ""
    if content_type.startswith("text/plain"):
        return response.content.decode()
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _("imagelib failed to respond. Its log has the cause, with the X-Request-ID of this response.")
    return errors.not_found() if response.status_code == HTTPStatus.NOT_FOUND else response.reason_phrase
