"""Converts errors of other middleware to problem details."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from analysis.api import errors

PATH = "/api/v1/"
Handler = Callable[[HttpRequest], HttpResponseBase]


def problems(get_response: Handler) -> Handler:
    """Middleware that converts errors in plain text to problem details.

    For example for a body that is too large.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_error = request.path_info.startswith(PATH) and response.status_code >= HTTPStatus.BAD_REQUEST
        if not (is_error and isinstance(response, HttpResponse)):
            return response
        is_text = response.get("Content-Type", "").startswith("text/plain")
        return errors.problem(response.status_code, response.content.decode()) if is_text else response

    return middleware
